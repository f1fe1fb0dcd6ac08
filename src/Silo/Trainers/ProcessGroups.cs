using System.Globalization;

namespace DeepTrain.Cluster.Silo.Trainers;

/// <summary>Finds a command's processes: those of the session that it leads, in all process groups.</summary>
/// <remarks>
/// A program such as timeout(1) creates its own group, which signals to the command's group do not reach. Without /proc, only the
/// command's group is known.
/// </remarks>
internal static class ProcessGroups
{
    /// <summary>The groups of a command's processes that have not ended.</summary>
    public static IReadOnlyCollection<int> Of(int command) => OperatingSystem.IsLinux()
        ? [.. Members(command).Where(member => !member.HasEnded).Select(member => member.Group).Distinct()]
        : [command];

    /// <summary>The groups that remain of a command that has ended.</summary>
    // If its process id is in use again, the session with that id is another one.
    public static IReadOnlyCollection<int> LeftBy(int command) =>
        OperatingSystem.IsLinux() && Member.Read(new($"/proc/{command}")) is null ? Of(command) : [];

    /// <summary>Whether every process of a command is stopped or has ended. Without /proc it is assumed.</summary>
    /// <remarks>A process in vfork does not stop until its child continues, if that was stopped before its exec.</remarks>
    public static bool IsAtRest(int command)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        var members = Members(command);
        return members.All(member => member.IsStopped || (member.State == 'D' && members.Any(child => child.IsStopped && child.Parent == member.Id)));
    }

    private static List<Member> Members(int command) =>
        [.. new DirectoryInfo("/proc").EnumerateDirectories()
            .Where(process => char.IsAsciiDigit(process.Name[0]))
            .Select(Member.Read).Where(member => member?.Session == command || member?.Group == command).Select(member => member!)];

    private sealed record Member(int Id, char State, int Parent, int Group, int Session)
    {
        public bool HasEnded => State is 'Z' or 'X';

        public bool IsStopped => HasEnded || State is 'T' or 't';

        /// <summary>Null if the process has ended.</summary>
        public static Member? Read(DirectoryInfo process)
        {
            try
            {
                var status = File.ReadAllText(Path.Combine(process.FullName, "stat"));
                // The program's name is in brackets and may contain any character: proc(5).
                var fields = status[(status.LastIndexOf(')') + 2)..].Split(' ', 5);
                return new(Number(process.Name), fields[0][0], Number(fields[1]), Number(fields[2]), Number(fields[3]));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }

        private static int Number(string text) => int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}
