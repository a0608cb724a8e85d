namespace Mahavishnu.Ingest.Tests;

/// <summary>What is recognised in a line, language by language.</summary>
public sealed class OutlineTests
{
    [Theory]
    [InlineData("a.cs", "public sealed record Point(int X, int Y);", "Point")]
    [InlineData("a.cs", "    public static async Task<int> CountAsync<T>(T value) where T : class", "CountAsync")]
    [InlineData("a.cs", "    public required string Name { get; init; }", "Name")]
    [InlineData("a.cs", "    ~Handle()", null)]
    [InlineData("a.cs", "        Console.WriteLine(text);", null)]
    [InlineData("a.cs", "    return new Point(1, 2);", null)]
    [InlineData("a.cs", "    if (ready) {", null)]
    [InlineData("a.java", "  protected void doGet(Request request) throws IOException {", "doGet")]
    [InlineData("a.ts", "export default class Parser<T> extends Base {", "Parser")]
    [InlineData("a.ts", "export const load = async (path: string) => {", "load")]
    [InlineData("a.js", "  render(props) {", "render")]
    [InlineData("a.js", "module.exports = { a, b };", null)]
    [InlineData("a.go", "func (r *Reader) Read(p []byte) (int, error) {", "Read")]
    [InlineData("a.go", "type Reader struct {", "Reader")]
    [InlineData("a.rs", "pub(crate) async fn fetch(url: &str) -> Result<()> {", "fetch")]
    [InlineData("a.rs", "impl<T> Display for Point<T> {", "Point")]
    [InlineData("a.c", "int main(int argc, char **argv)", "main")]
    [InlineData("a.c", "static inline int max(int a, int b) {", "max")]
    [InlineData("a.c", "printf(\"x\");", null)]
    [InlineData("a.py", "async def fetch(url):", "fetch")]
    [InlineData("a.py", "class Reader(Base):", "Reader")]
    [InlineData("a.py", "value = compute(1)", null)]
    [InlineData("a.rb", "def self.load(path)", "load")]
    [InlineData("a.sh", "start_server() {", "start_server")]
    [InlineData("CMakeLists.txt", "function(add_unit name)", "add_unit")]
    [InlineData("a.sql", "CREATE OR REPLACE FUNCTION public.words(t text) RETURNS tsvector", "public.words")]
    [InlineData("a.sql", "create unique index if not exists by_time on memories (tenant_id)", "by_time")]
    [InlineData("a.md", "### Install on Linux ###", "Install on Linux")]
    [InlineData("a.md", "#hashtag", null)]
    [InlineData("a.md", "Title\n-----", "Title")]
    [InlineData("a.rst", "Title\n~~~~~", "Title")]
    [InlineData("a.rst", "A longer title\n===", null)]
    [InlineData("a.yml", "services:", "services")]
    [InlineData("a.toml", "[tool.black]", "tool.black")]
    [InlineData("a.css", ".card > h2 {", ".card > h2")]
    [InlineData("a.html", "  <h2 id=\"x\">Usage</h2>", "Usage")]
    public void A_line_is_named_for_what_it_declares(string file, string text, string? symbol)
    {
        var outline = new Outline();
        outline.Begin(Language.Of(file)!.Structure);
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        outline.Read(end < 0 ? text : text.AsSpan(0, end), end < 0 ? "" : text.AsSpan(end + 1), 0, out var cut, out var found, out _);
        Assert.Equal(symbol, found);
        Assert.Equal(symbol is not null, cut >= Cut.Member);
    }
}
