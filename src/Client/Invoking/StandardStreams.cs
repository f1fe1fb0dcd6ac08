using System.Diagnostics.CodeAnalysis;
using System.Text;
using DeepTrain.Cluster.Client.CommandLine;

namespace DeepTrain.Cluster.Client.Invoking;

/// <summary>Handles a standard output or error that is closed, full or disconnected.</summary>
internal static class StandardStreams
{
    /// <summary>If results cannot be written, the command ends with one line. If messages cannot be written, it continues.</summary>
    public static void Guard()
    {
        Console.SetOut(new GuardedWriter(Console.Out, error =>
            throw new UserException(ExitCode.NotFound, $"standard output cannot be written: {Cause(error).Message}.")));
        Console.SetError(new GuardedWriter(Console.Error, _ => { }));
    }

    // For a closed descriptor, .NET reports that access is denied, and gives the cause only in the inner exception.
    private static Exception Cause(Exception error) => error.InnerException is IOException inner ? inner : error;

    private sealed class GuardedWriter(TextWriter writer, Action<Exception> fail) : TextWriter(writer.FormatProvider)
    {
        public override Encoding Encoding => writer.Encoding;

        [AllowNull]
        public override string NewLine
        {
            get => writer.NewLine;
            set => writer.NewLine = value;
        }

        public override void Write(char value) => Try(() => writer.Write(value));

        public override void Write(char[] buffer, int index, int count) => Try(() => writer.Write(buffer, index, count));

        public override void Write(string? value) => Try(() => writer.Write(value));

        public override void WriteLine(string? value) => Try(() => writer.WriteLine(value));

        public override void Flush() => Try(writer.Flush);

        private void Try(Action write)
        {
            try
            {
                write();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                fail(error);
            }
        }
    }
}
