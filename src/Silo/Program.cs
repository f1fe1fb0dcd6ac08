using System.CommandLine;
using DeepTrain.Cluster.Silo.Hosting;

var root = new RootCommand("One silo of a DeepTrain cluster. Settings come from a file and the environment: silo settings.")
{
    SiloVerbs.Settings,
    SiloVerbs.Run(),
    SiloVerbs.Migrate(),
    SiloVerbs.Show(),
};

return await SiloVerbs.InvokeAsync(root, args);
