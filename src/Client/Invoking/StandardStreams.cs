using System.Diagnostics.CodeAnalysis;
using System.Text;
using DeepTrain.Cluster.Client.CommandLine;

namespace DeepTrain.Cluster.Client.Invoking;

/// <summary>What becomes of the program when its standard output or error is closed, full or gone.</summary>
internal static class StandardStreams
{
    /// <summary>Results that cannot be written end the command with one line; messages that cannot be written stop nothing.</summary>
    public static void Guard()
    {
        Console.SetOut(new GuardedWriter(Console.Out, error =>
            throw new UserException(ExitCode.NotFound, $"standard output cannot be written: {Cause(error).Message}.")));
        Console.SetError(new GuardedWriter(Console.Error, _ => { }));
    }

    // Of a closed descriptor .NET says that access is denied, and why only inside.
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
