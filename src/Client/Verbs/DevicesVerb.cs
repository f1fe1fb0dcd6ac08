using System.CommandLine;
using DeepTrain.Cluster.Training;

namespace DeepTrain.Cluster.Client;

/// <summary><c>devices</c>: what this machine would train on.</summary>
internal static class DevicesVerb
{
    public static Command Create()
    {
        var command = new Command("devices", "Show what this machine trains on.");
        command.SetAction(parsed =>
        {
            TorchRuntime.EnsureLoaded();
            var torch = TorchRuntime.Describe();
            var device = new
            {
                Kind = "cpu",
                Slots = Environment.ProcessorCount,
                torch.CpuCapability,
                Libtorch = torch.LibTorch,
            };
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("kind", false), ("slots", true), ("cpu capability", false), ("libtorch", false)],
                [[device.Kind, $"{device.Slots}", device.CpuCapability, device.Libtorch]],
                new[] { device });
            return ExitCode.Done;
        });
        return command;
    }
}
