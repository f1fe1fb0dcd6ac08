using CsCheck;
using DeepTrain.Cluster.Sweeps.Configurations;

namespace DeepTrain.Cluster.Sweeps.Tests;

public class ConfigurationTests
{
    private static readonly Gen<Dictionary<string, ParameterValue>> Values = Gen.Select(
        Gen.OneOf(Parameters.Activation.Choices.ToArray()), Gen.OneOf(Parameters.Initializer.Choices.ToArray()),
        Gen.Double[1e-12, 1e6], Gen.Double[0, 0.999], Gen.Bool, Gen.Int[1, 65_536].Array[1, 4])
        .Select((activation, initializer, rate, alpha, batchNorm, hidden) => new Dictionary<string, ParameterValue>
        {
            ["activation"] = ParameterValue.Of(activation),
            ["initializer"] = ParameterValue.Of(initializer),
            ["learningRate"] = ParameterValue.Of(rate),
            ["leakAlpha"] = ParameterValue.Of(alpha),
            ["batchNorm"] = ParameterValue.Of(batchNorm),
            ["hidden"] = ParameterValue.Of([.. hidden]),
        });

    [Fact]
    public void Parse_WrittenJson_GivesTheSameConfiguration() => Values.Sample(values =>
    {
        var configuration = Configuration.Resolve(values);
        var read = Configuration.Parse(configuration.Json);
        Assert.Equal(configuration, read);
        Assert.Equal((configuration.CellId, configuration.FusionKey), (read.CellId, read.FusionKey));
        Assert.Equal(values["learningRate"].AsNumber(), read[Parameters.LearningRate]);
        Assert.Equal(values["hidden"].AsSizes(), read[Parameters.Hidden]);
        Assert.Equal(values["batchNorm"].AsFlag(), read[Parameters.BatchNorm]);
    });

    [Fact]
    public void Resolve_OrderOfKeys_DoesNotMatter() => Values.Sample(values => Assert.Equal(
        Configuration.Resolve(values), Configuration.Resolve(values.Reverse().ToDictionary())));

    [Fact]
    public void Resolve_ParameterWithoutEffect_IsLeftOut() => Values.Sample(values => Assert.Equal(
        values["activation"].AsText() == "leaky-relu", Configuration.Resolve(values).Values.ContainsKey("leakAlpha")));

    [Fact]
    public void FusionKey_ChangesWithSharedParametersOnly()
    {
        var first = SweepTexts.Read("").Cells[0].Configuration;
        Assert.Equal(first.FusionKey, SweepTexts.Read("network: { hidden: [8], activation: elu, batchNorm: true }\ntraining: { learningRate: 1 }").Cells[0].Configuration.FusionKey);
        Assert.NotEqual(first.FusionKey, SweepTexts.Read("training: { batchSize: 16 }").Cells[0].Configuration.FusionKey);
    }

    // Finished trials are found again by this id: it must never change by accident.
    [Fact]
    public void CellId_KnownConfiguration_IsKnown()
    {
        var configuration = SweepTexts.Read("").Cells[0].Configuration;
        Assert.Equal("""
            {"activation":"relu","batchNorm":false,"batchSize":32,"dataset":"digits","epochs":20,"hidden":[8],"initializer":"he-normal","learningRate":0.01,"momentum":0,"optimizer":"sgd","split":"stratified","testFraction":0.1,"validationFraction":0.2}
            """, configuration.Json);
        Assert.Equal("d2c068d7d14a400c", configuration.CellId);
    }
}
