using DeepTrain.Cluster.Sweeps.Tests;

namespace DeepTrain.Cluster.Architecture.Tests;

public class RoomsTests
{
    /// <summary>What each room may not name: rooms that are no business of it, and libraries that it is free of.</summary>
    public static TheoryData<string, string[]> Foreign => new()
    {
        { "Sweeps", ["DeepTrain.Cluster.Training", "DeepTrain.Cluster.Grains", "DeepTrain.Cluster.Silo", "DeepTrain.Cluster.Client", "Orleans", "TorchSharp", "Microsoft.EntityFrameworkCore", "Microsoft.AspNetCore"] },
        { "Training", ["DeepTrain.Cluster.Grains", "DeepTrain.Cluster.Silo", "DeepTrain.Cluster.Client", "Orleans", "Microsoft.EntityFrameworkCore", "Microsoft.AspNetCore"] },
        { "Grains", ["DeepTrain.Cluster.Training", "DeepTrain.Cluster.Silo", "DeepTrain.Cluster.Client", "TorchSharp", "Microsoft.EntityFrameworkCore", "Microsoft.AspNetCore"] },
        { "Silo", ["DeepTrain.Cluster.Client", "Spectre.Console"] },
        { "Client", ["Microsoft.EntityFrameworkCore", "Npgsql"] },
    };

    /// <summary>The folders of the silo from the highest to the lowest: a folder names folders of lower levels only.</summary>
    private static readonly string[][] Levels =
        [["Hosting"], ["Web"], ["Commands"], ["Slots"], ["Storage", "Trainers", "Cleanup"], ["Settings"], ["Monitoring"], ["DataFolders"]];

    public static TheoryData<string> Rooms => [.. Room.All.Select(room => room.Name)];

    [Theory]
    [MemberData(nameof(Foreign))]
    public void Room_NamesOtherRooms_OnlyAlongTheArrows(string room, string[] foreign) =>
        Assert.Empty(Room.Of(room).ThatName(foreign));

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Folders_NameOneAnother_WithoutCircle(string name)
    {
        var room = Room.Of(name);
        var arrows = Arrows(room);
        Assert.True(Circle(arrows) is not { } circle, $"These folders of {name} name one another in a circle:\n" + string.Join('\n',
            (Circle(arrows) ?? []).Select(arrow => $"  {room.Short(arrow.From)} -> {room.Short(arrow.To)}: {string.Join(", ", arrow.By)}")));
    }

    [Fact]
    public void SiloFolders_NameOneAnother_DownwardsOnly()
    {
        var room = Room.Of("Silo");
        Assert.All(Arrows(room).Where(arrow => room.Short(arrow.From).Length > 0), arrow =>
        {
            var (from, to) = (room.Short(arrow.From).Split('/')[0], room.Short(arrow.To).Split('/')[0]);
            Assert.True(from == to || LevelOf(from) < LevelOf(to), $"{from} names {to}: {string.Join(", ", arrow.By)}");
        });

        static int LevelOf(string folder)
        {
            var level = Array.FindIndex(Levels, level => level.Contains(folder));
            return level >= 0 ? level : throw new InvalidOperationException($"The folder Silo/{folder} has no level; give it one in this test.");
        }
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Namespace_OfEachFile_IsItsFolder(string name)
    {
        var root = Repository.PathOf(Path.Combine("src", name));
        var files = Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(root, file).Split(Path.DirectorySeparatorChar)[0] is not ("bin" or "obj")).ToList();

        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            var folder = Path.GetDirectoryName(Path.GetRelativePath(root, file))!.Replace(Path.DirectorySeparatorChar, '.');
            var expected = folder.Length == 0 ? $"DeepTrain.Cluster.{name}" : $"DeepTrain.Cluster.{name}.{folder}";
            Assert.All(File.ReadLines(file).Where(line => line.StartsWith("namespace ", StringComparison.Ordinal)),
                line => Assert.Equal($"namespace {expected}", line.TrimEnd(';')));
        });
    }

    [Fact]
    public void Arrows_ThatAreKnown_AreSeen()
    {
        Assert.NotEmpty(Room.Of("Silo").ThatName("DeepTrain.Cluster.Silo.Hosting", "DeepTrain.Cluster.Silo.Slots"));
        Assert.NotEmpty(Room.Of("Client").ThatName("DeepTrain.Cluster.Silo"));
        Assert.NotEmpty(Room.Of("Grains").ThatName("Orleans"));
    }

    [Fact]
    public void Circle_OfThreeFolders_IsFound()
    {
        Arrow[] arrows = [new("a", "b", []), new("b", "c", []), new("c", "a", []), new("c", "d", [])];
        Assert.Equal(["a", "b", "c"], Circle(arrows)!.Select(arrow => arrow.From).Order());
        Assert.Null(Circle([.. arrows.Where(arrow => arrow.From != "b")]));
    }

    private static List<Arrow> Arrows(Room room)
    {
        var folders = room.Folders.Select(folder => folder.Key).ToList();
        return
        [
            .. from first in folders
               from second in folders
               where first != second
               let names = room.ThatName(first, second)
               where names.Count > 0
               select new Arrow(first, second, names),
        ];
    }

    /// <summary>The arrows of one circle, in its order; null where there is none.</summary>
    private static List<Arrow>? Circle(IReadOnlyList<Arrow> arrows)
    {
        var cleared = new HashSet<string>();
        var path = new List<Arrow>();
        return arrows.Select(arrow => From(arrow.From)).FirstOrDefault(circle => circle is not null);

        List<Arrow>? From(string folder)
        {
            if (path.FindIndex(arrow => arrow.From == folder) is >= 0 and var start)
                return path[start..];
            if (cleared.Contains(folder))
                return null;
            foreach (var arrow in arrows.Where(arrow => arrow.From == folder))
            {
                path.Add(arrow);
                if (From(arrow.To) is { } circle)
                    return circle;
                path.RemoveAt(path.Count - 1);
            }
            cleared.Add(folder);
            return null;
        }
    }

    /// <param name="By">The types of the first folder that name a type of the second.</param>
    private sealed record Arrow(string From, string To, IReadOnlyList<string> By);
}
