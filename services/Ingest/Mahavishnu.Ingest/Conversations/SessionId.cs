using Mahavishnu.ServiceDefaults;

namespace Mahavishnu.Ingest;

/// <summary>The name of a conversation as it stands in a path.</summary>
internal static class SessionId
{
    public static string Read(string given, FieldErrors errors) => PathName.Read("sessionId", given, errors);
}
