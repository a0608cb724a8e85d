using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Pgvector;

namespace Mahavishnu.Search;

/// <summary>The values of a statement that is put together: each becomes a numbered parameter, and its place (<c>$3</c>) is what goes into the text.</summary>
internal sealed class Parameters(NpgsqlParameterCollection target)
{
    public string Text(string value) => Add(new NpgsqlParameter<string> { TypedValue = value });

    public string Texts(IReadOnlyList<string> values) => Add(new NpgsqlParameter<string[]> { TypedValue = [.. values] });

    public string Id(Guid value) => Add(new NpgsqlParameter<Guid> { TypedValue = value });

    public string Ids(IReadOnlyList<Guid> values) => Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. values] });

    public string Time(DateTimeOffset value) => Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = value.ToUniversalTime() });

    public string Times(IReadOnlyList<DateTimeOffset> values) => Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. values.Select(v => v.ToUniversalTime())] });

    public string Json(string json) => Add(new NpgsqlParameter { Value = json, NpgsqlDbType = NpgsqlDbType.Jsonb });

    public string Jsons(IReadOnlyList<string> jsons) => Add(new NpgsqlParameter { Value = jsons.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb });

    public string Int(int value) => Add(new NpgsqlParameter<int> { TypedValue = value });

    public string Double(double value) => Add(new NpgsqlParameter<double> { TypedValue = value });

    public string Doubles(IReadOnlyList<double> values) => Add(new NpgsqlParameter<double[]> { TypedValue = [.. values] });

    public string Floats(IReadOnlyList<float> values) => Add(new NpgsqlParameter<float[]> { TypedValue = [.. values] });

    public string Vector(HalfVector value) => Add(new NpgsqlParameter { Value = value, DataTypeName = "halfvec" });

    private string Add(NpgsqlParameter parameter)
    {
        target.Add(parameter);
        return "$" + target.Count.ToString(CultureInfo.InvariantCulture);
    }
}
