using System.Collections.Immutable;
using DeepTrain.Cluster.Training.Activations;
using DeepTrain.Cluster.Training.Stacking;

namespace DeepTrain.Cluster.Training.Networks;

/// <summary>The trials of a network that share an activation and its constant, all with or all without dropout.</summary>
internal sealed record Group(Segment Trials, Activation Activation, Dropout? Dropout);

/// <summary>The part of a hidden layer after its linear map, in place: batch norm and activation in either order, then dropout.</summary>
internal sealed class HiddenLayer(BatchNorm? norm, bool normalisesLast, ImmutableArray<Group> groups)
{
    public BatchNorm? Norm => norm;

    public ImmutableArray<Group> Groups => groups;

    /// <summary>Whether dropout or batch norm overwrites the output of a group's activation.</summary>
    public bool Overwrites(Group group) =>
        group.Dropout is not null || (normalisesLast && norm is not null && norm.Trials.Intersect(group.Trials).Count > 0);

    /// <param name="rows">The number of rows that count, in an evaluation that notes the largest outputs; otherwise null.</param>
    public void Forward(LayerBuffers buffers, Mode mode, int? rows = null)
    {
        if (!normalisesLast)
            norm?.Forward(buffers.Channels!, mode);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Forward(buffers.Parts[group], mode);
        if (rows is { } counted)
            ((EvaluationBuffers)buffers).NoteLargest(counted);
        if (mode is not Mode.Evaluation)
            Keep((TrainingBuffers)buffers);
        if (normalisesLast)
            norm?.Forward(buffers.Channels!, mode);
        if (mode is Mode.Training)
        {
            for (var group = 0; group < groups.Length; group++)
                groups[group].Dropout?.Forward(buffers.Parts[group]);
        }
        buffers.Padding?.zero_();
    }

    /// <summary>Replaces the loss gradient at the output by that at the pre-activations, in place.</summary>
    public void Backward(TrainingBuffers buffers, Mode mode)
    {
        if (mode is Mode.Training)
        {
            for (var group = 0; group < groups.Length; group++)
                groups[group].Dropout?.Backward(buffers.GradientParts[group]);
        }
        if (normalisesLast)
            norm?.Backward(buffers.GradientChannels!);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Backward(buffers.GradientParts[group], buffers.Activations[group]);
        if (!normalisesLast)
            norm?.Backward(buffers.GradientChannels!);
    }

    /// <summary>Writes the activation's slope at each unit and column of the last pass into the gradient buffer.</summary>
    public void Slopes(TrainingBuffers buffers)
    {
        buffers.Gradient.fill_(1);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Backward(buffers.GradientParts[group], buffers.Activations[group]);
    }

    private void Keep(TrainingBuffers buffers)
    {
        for (var group = 0; group < groups.Length; group++)
        {
            if (buffers.Activations[group] is var kept && !ReferenceEquals(kept, buffers.Parts[group]))
                kept.copy_(buffers.Parts[group]);
        }
    }
}
