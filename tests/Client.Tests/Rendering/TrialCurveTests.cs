using System.Text.Json;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Sweeps.Results;
using DeepTrain.Cluster.Sweeps.Trials;

namespace DeepTrain.Cluster.Client.Tests;

public sealed class TrialCurveTests
{
    private static readonly TrialId Trial = new("digits-1", "0123456789abcdef", 1);

    private static readonly EpochResult[] Epochs =
    [
        new(0, 1, null, 2.5, 0.125, 0, new(
            [new(0.1f, float.PositiveInfinity, 1e-12f, 2, float.NaN, 0.25f, 0, float.NaN), new(0, 1, 0.5f, 4, float.NaN, float.NaN, float.NaN, float.NaN), new(0, 1, 3, 4, 5, float.NaN, float.NaN, float.NaN)],
            Ailments.Vanishing | Ailments.Saturated)),
        new(1, 1, 0.5, 0.25, 1, 0.5, null),
    ];

    [Fact]
    public void Write_Json_HasEachLayerWithNullWhereThereIsNoNumber()
    {
        var json = JsonSerializer.Deserialize<JsonElement>(Write(OutputFormat.Json));

        var start = json.GetProperty("epochs")[0];
        Assert.Equal("vanishing", start.GetProperty("gradient").GetString());
        Assert.Equal(["vanishing", "saturated"], start.GetProperty("flags").EnumerateArray().Select(flag => flag.GetString()));
        Assert.Equal(2e-12, start.GetProperty("gradientRatio").GetDouble(), 1e-18);
        var layer = start.GetProperty("layers")[0];
        Assert.Equal((1, "0.1"), (layer.GetProperty("layer").GetInt32(), layer.GetProperty("mean").GetRawText()));
        Assert.All((string[])["variance", "updateRatio", "alpha"], name => Assert.Equal(JsonValueKind.Null, layer.GetProperty(name).ValueKind));
        Assert.All((string[])["gradient", "flags", "layers", "gradientRatio"], name =>
            Assert.Equal(JsonValueKind.Null, json.GetProperty("epochs")[1].GetProperty(name).ValueKind));
    }

    [Fact]
    public void Write_Csv_JoinsFlags() => Assert.Equal(
        """
        epoch,trainLoss,validationLoss,validationAccuracy,seconds,gradient,flags
        0,,2.5,0.125,0.000,vanishing,vanishing+saturated
        1,0.5,0.25,1,0.500,,

        """.ReplaceLineEndings(), Write(OutputFormat.Csv));

    private static string Write(OutputFormat format)
    {
        var output = Console.Out;
        using var said = new StringWriter();
        Console.SetOut(said);
        try
        {
            TrialCurve.Write(format, Trial, [.. Epochs]);
        }
        finally
        {
            Console.SetOut(output);
        }
        return said.ToString();
    }
}
