namespace DeepTrain.Cluster.Deploy.Tests;

public sealed class QueriesTests
{
    [Theory]
    [InlineData("a_total", "a_total")]
    [InlineData("sum by (le, x) (rate(a_bucket{sweep=\"b\"}[5m]))", "a_bucket{sweep=\"b\"}")]
    [InlineData("x:a:sum > 0 unless on (job) b == 1", "x:a:sum", "b")]
    [InlineData("a < 2e9 or (a < 50e9 and predict_linear(a[1h], 4 * 3600) < 0)", "a")]
    [InlineData("a == a offset 30m", "a")]
    [InlineData("time() - max(a{b=~\"c.*\"})", "a{b=~\"c.*\"}")]
    [InlineData("count by (m) (label_replace({overflow=\"true\"}, \"m\", \"$1\", \"__name__\", \"(.+)\")) > 0", "{overflow=\"true\"}")]
    public void Selectors_OfAnExpression_AreItsSeries(string expression, params string[] expected) =>
        Assert.Equal(expected, Queries.Selectors(expression));
}
