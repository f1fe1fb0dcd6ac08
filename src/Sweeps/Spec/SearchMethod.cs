namespace DeepTrain.Cluster.Sweeps.Spec;

/// <summary>How cells are drawn from the space.</summary>
public abstract record SearchMethod
{
    /// <summary>Every combination of levels.</summary>
    public sealed record Grid : SearchMethod;

    /// <summary>Exactly the configurations that the file lists.</summary>
    public sealed record List : SearchMethod;

    /// <summary>Independent draws. With the same seed, a longer search begins with the cells of a shorter one.</summary>
    /// <param name="Trials">The number of cells to draw.</param>
    public sealed record Random(int Trials, long Seed) : SearchMethod;
}
