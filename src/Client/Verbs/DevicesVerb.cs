using System.CommandLine;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Rendering;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Client.Verbs;

/// <summary><c>devices</c>: lists the devices that this machine would train on.</summary>
internal static class DevicesVerb
{
    public static Command Create()
    {
        var command = new Command("devices", "Show what this machine trains on.");
        command.SetAction(parsed =>
        {
            var torch = TorchRuntime.Describe();
            var (trains, idle) = TorchRuntime.Devices(null);
            if (idle is not null)
                Console.Error.WriteLine($"deeptrain: {idle}");
            ComputeDevice[] devices = [ComputeDevice.Processor, .. ComputeDevice.Gpus()];
            int SlotsOf(ComputeDevice device) => device.Kind is DeviceKind.Cpu ? Environment.ProcessorCount : trains.Contains(device) ? 1 : 0;
            Output.WriteRows(
                parsed.GetValue(CommonOptions.Format),
                [("kind", false), ("device", true), ("slots", true), ("name", false), ("memory", true), ("libtorch", false)],
                [.. devices.Select(device => new[]
                {
                    KindOf(device), $"{device.Index}", $"{SlotsOf(device)}", NameOf(device, torch),
                    device.Memory > 0 ? $"{device.Memory >> 20} MiB" : "-", torch.LibTorch,
                })],
                devices.Select(device => new
                {
                    Kind = KindOf(device), device.Index, Slots = SlotsOf(device), Name = NameOf(device, torch),
                    MemoryBytes = device.Memory > 0 ? device.Memory : (long?)null, torch.CpuCapability, Libtorch = torch.LibTorch,
                }));
            return ExitCode.Done;
        });
        return command;
    }

    private static string KindOf(ComputeDevice device) => device.Kind.ToString().ToLowerInvariant();

    private static string NameOf(ComputeDevice device, TorchDescription torch) => device.Kind is DeviceKind.Cpu ? torch.CpuCapability : device.Name;
}
