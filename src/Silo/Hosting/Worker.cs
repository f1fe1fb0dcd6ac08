using DeepTrain.Cluster.Grains;
using DeepTrain.Cluster.Training;

namespace DeepTrain.Cluster.Silo;

/// <summary>What this process trains with.</summary>
internal static class Worker
{
    public static Provenance Of(TorchDescription torch) =>
        new(CodeVersion.Current, torch.LibTorch, $"{torch.CpuCapability}{(torch.FlushesDenormals ? ", flush-to-zero" : "")}", "cpu");
}
