namespace Mahavishnu.OllamaStandIn;

/// <summary>What a call of <c>/api/embed</c> or <c>/api/chat</c> gets: the right thing, or one of the ways in which servers, proxies and models go wrong.</summary>
public enum StandInAnswer
{
    Right,

    /// <summary>One vector less than texts.</summary>
    TooFew,

    /// <summary>One vector more than texts.</summary>
    TooMany,

    /// <summary>An empty list.</summary>
    NoVectors,

    /// <summary>400, as a server of today refuses to send what is not a number.</summary>
    NaNRefused,

    /// <summary>500, as an older server stumbles over it when it writes JSON.</summary>
    NaNError,

    /// <summary>NaN written into the JSON.</summary>
    NaNWritten,

    /// <summary>A number beyond what fits.</summary>
    InfinityWritten,

    /// <summary>A number that fits a float and not half of one.</summary>
    BeyondHalf,

    Zeros,

    /// <summary>Vectors two shorter than the model's.</summary>
    OtherDimensions,

    /// <summary>200 with no body at all.</summary>
    EmptyBody,

    /// <summary>200 with a page of a proxy; of a model that talks, words where JSON was asked for.</summary>
    NotJson,

    /// <summary>404 of a model that is not there.</summary>
    ModelMissing,

    /// <summary>500 with an error of the server.</summary>
    ServerError,

    /// <summary>400 because the process behind the server died.</summary>
    RunnerDied,

    /// <summary>503 of a full queue.</summary>
    Busy,

    /// <summary>429 of a proxy.</summary>
    TooManyRequests,

    /// <summary>Half of the answer, then the connection is cut.</summary>
    CutHalfway,

    /// <summary>Nothing, until the caller goes away.</summary>
    Silence,

    /// <summary>Only from a model that talks: the beginning of an answer, then nothing until the caller goes away.</summary>
    SilenceHalfway,
}
