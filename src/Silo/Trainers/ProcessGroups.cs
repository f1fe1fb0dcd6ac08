using System.Globalization;

namespace DeepTrain.Cluster.Silo;

/// <summary>What the system says of process groups.</summary>
internal static class ProcessGroups
{
    /// <summary>Whether every process of a group is stopped or has ended. Taken for granted where there is no /proc to ask.</summary>
    /// <remarks>Who waits in vfork for a child that was stopped before it became another program does not stop until that goes on.</remarks>
    public static bool IsAtRest(int group)
    {
        if (!OperatingSystem.IsLinux())
            return true;
        var members = new DirectoryInfo("/proc").EnumerateDirectories()
            .Where(process => char.IsAsciiDigit(process.Name[0]))
            .Select(Member.Read).Where(member => member?.Group == group).Select(member => member!).ToList();
        return members.All(member => member.IsStopped || (member.State == 'D' && members.Any(child => child.IsStopped && child.Parent == member.Id)));
    }

    private sealed record Member(int Id, char State, int Parent, int Group)
    {
        public bool IsStopped => State is 'T' or 't' or 'Z' or 'X';

        /// <summary>Null where the process has gone.</summary>
        public static Member? Read(DirectoryInfo process)
        {
            try
            {
                var status = File.ReadAllText(Path.Combine(process.FullName, "stat"));
                // The name of the program stands in brackets, and may hold any character: proc(5).
                var fields = status[(status.LastIndexOf(')') + 2)..].Split(' ', 4);
                return new(Number(process.Name), fields[0][0], Number(fields[1]), Number(fields[2]));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }

        private static int Number(string text) => int.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
    }
}
