using System.CommandLine;
using System.Runtime.InteropServices;
using DeepTrain.Cluster.Client.CommandLine;
using DeepTrain.Cluster.Client.Connecting;
using DeepTrain.Cluster.Grains.Store;
using DeepTrain.Cluster.Silo.DataFolders;
using DeepTrain.Cluster.Sweeps.Files;
using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Training.Native;

namespace DeepTrain.Cluster.Client.Invoking;

/// <summary>Runs one command line. Signals become cancellation; errors become messages on stderr and exit codes.</summary>
internal static class Invocation
{
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        StandardStreams.Guard();
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            // An unknown word is the likely cause of other errors, such as a missing argument.
            if (parsed.UnmatchedTokens is [var unknown, ..])
                await Console.Error.WriteLineAsync($"error: {Unknown(unknown, parsed.CommandResult.Command)}");
            else
                foreach (var error in parsed.Errors.Reverse())
                    await Console.Error.WriteLineAsync($"error: {error.Message}");
            await Console.Error.WriteLineAsync("See: deeptrain --help");
            return ExitCode.BadInput;
        }

        TorchRuntime.UseFolder(parsed.GetValue(CommonOptions.LibTorch));
        using var interruption = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            return await parsed.InvokeAsync(
                new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, interruption.Token);
        }
        catch (UserException exception)
        {
            await Console.Error.WriteLineAsync($"error: {exception.Message}");
            return exception.ExitCode;
        }
        catch (Exception exception) when (exception is StoreException or TrainerException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"error: {exception.Message}");
            return ExitCode.NotFound;
        }
        catch (Exception exception) when (SweepConnection.IsSilence(exception))
        {
            var who = parsed.GetValue(CommonOptions.Cluster) ? "the cluster" : "the process that owns the data folder";
            await Console.Error.WriteLineAsync($"error: {who} went away or does not answer. Try again. ({exception.Message})");
            return ExitCode.NotFound;
        }
        catch (OperationCanceledException) when (interruption.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception exception)
        {
            await Console.Error.WriteLineAsync(
                $"error: {exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")} This is a fault of deeptrain; what is stored is safe."
                + FaultLog.Write(new DataFolder(parsed.GetValue(CommonOptions.Data)!), exception));
            return ExitCode.Fault;
        }

        void Interrupt(PosixSignalContext signal)
        {
            // The first signal requests a clean end; a second one ends the process at once.
            signal.Cancel = !interruption.IsCancellationRequested;
            interruption.Cancel();
        }
    }

    private static string Unknown(string token, Command command)
    {
        var isOption = token.StartsWith('-');
        var what = isOption ? "option" : command is RootCommand ? "command" : "argument";
        var known = isOption
            ? command.Parents.Append(command).OfType<Command>().SelectMany(each => each.Options).Select(option => option.Name)
            : command.Subcommands.Select(verb => verb.Name);
        return $"unknown {what} '{token}'" + (Nearest.To(token, known) is { } near ? $": did you mean '{near}'?" : ".");
    }
}
