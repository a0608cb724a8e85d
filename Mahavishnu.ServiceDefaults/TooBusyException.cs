namespace Mahavishnu.ServiceDefaults;

/// <summary>More is asked than can be answered in time; answered with 503 and <c>Retry-After</c>.</summary>
/// <param name="message">For the caller: what took too long.</param>
public sealed class TooBusyException(string message) : Exception(message);
