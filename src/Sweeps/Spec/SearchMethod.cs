namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>How cells are drawn from the space.</summary>
public abstract record SearchMethod
{
    /// <summary>Every combination of levels.</summary>
    public sealed record Grid : SearchMethod;

    /// <summary>The configurations that the file lists, each as written.</summary>
    public sealed record List : SearchMethod;

    /// <summary>Independent draws; the first n cells of a longer search are those of a shorter one with the same seed.</summary>
    /// <param name="Trials">How many cells are drawn.</param>
    public sealed record Random(int Trials, long Seed) : SearchMethod;
}
