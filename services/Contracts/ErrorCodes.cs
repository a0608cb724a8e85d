namespace Mahavishnu.Contracts;

/// <summary>The closed list of <c>code</c> values in problem documents, batch items and operations.</summary>
public static class ErrorCodes
{
    /// <summary>400: a field has a value that is not allowed; <c>errors</c> names it.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>400: the body is not JSON.</summary>
    public const string MalformedJson = "malformed_json";

    /// <summary>400: a property or query parameter that this route does not know.</summary>
    public const string UnknownProperty = "unknown_property";

    /// <summary>400: the cursor was not made by this listing.</summary>
    public const string InvalidCursor = "invalid_cursor";

    /// <summary>400 or 403: the <c>Host</c> header or <c>Origin</c> is not one this server answers to.</summary>
    public const string ForbiddenOrigin = "forbidden_origin";

    /// <summary>401: no valid API key.</summary>
    public const string Unauthorized = "unauthorized";

    public const string NotFound = "not_found";

    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>409: the id exists with other content, the key is taken, or the state does not allow it.</summary>
    public const string Conflict = "conflict";

    /// <summary>412: <c>If-Match</c> names another version.</summary>
    public const string VersionMismatch = "version_mismatch";

    /// <summary>428: the change needs <c>If-Match</c>.</summary>
    public const string PreconditionRequired = "precondition_required";

    public const string TooLarge = "too_large";

    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>403: the directory lies outside <c>Ingest:Roots</c>.</summary>
    public const string OutsideRoots = "outside_roots";

    /// <summary>Of an operation: a file to import cannot be read as one of Session-Buddy's.</summary>
    public const string UnreadableSource = "unreadable_source";

    /// <summary>503: the database does not answer; <c>Retry-After</c> says when to ask again.</summary>
    public const string DatabaseUnavailable = "database_unavailable";

    /// <summary>503: more is asked than can be answered in time; <c>Retry-After</c> says when to ask again.</summary>
    public const string Busy = "busy";

    /// <summary>503: the schema is older or newer than the program.</summary>
    public const string SchemaMismatch = "schema_mismatch";

    /// <summary>502, 503, 504: a service behind the gateway does not answer.</summary>
    public const string UpstreamUnavailable = "upstream_unavailable";

    /// <summary>503: the embedding model does not answer and the request cannot do without it.</summary>
    public const string EmbeddingUnavailable = "embedding_unavailable";

    public const string Cancelled = "cancelled";

    public const string Internal = "internal_error";

    /// <summary>Codes that a search answer may carry in <c>degraded</c>.</summary>
    public static class Degraded
    {
        public const string EmbeddingUnavailable = "embedding_unavailable";
        public const string EmbeddingPending = "embedding_pending";
        public const string IndexBuilding = "index_building";

        /// <summary>Many searches wait: fewer of the words' matches were looked at, so that all of them are answered.</summary>
        public const string Busy = "busy";

        public static string SourceFailed(string source) => $"source_failed:{source}";
    }
}
