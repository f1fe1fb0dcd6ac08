using System.Collections.Immutable;

namespace DeepTrain.Cluster.Training;

/// <summary>Trials of a network whose units work alike: one activation with one constant, with or without dropout.</summary>
internal sealed record Group(Segment Trials, Activation Activation, Dropout? Dropout);

/// <summary>What follows a layer's linear map, in place: batch norm and activation, in either order, then dropout.</summary>
internal sealed class HiddenLayer(BatchNorm? norm, bool normalisesLast, ImmutableArray<Group> groups)
{
    public BatchNorm? Norm => norm;

    public ImmutableArray<Group> Groups => groups;

    /// <summary>Whether something after a group's activation changes what it made.</summary>
    public bool Overwrites(Group group) =>
        group.Dropout is not null || (normalisesLast && norm is not null && norm.Trials.Intersect(group.Trials).Count > 0);

    /// <param name="rows">Of an evaluation whose largest outputs are to be noted: how many of its rows count; otherwise null.</param>
    public void Forward(Room room, Mode mode, int? rows = null)
    {
        if (!normalisesLast)
            norm?.Forward(room.Channels!, mode);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Forward(room.Parts[group], mode);
        if (rows is { } counted)
            ((EvaluationRoom)room).NoteLargest(counted);
        if (mode is not Mode.Evaluation)
            Keep((TrainingRoom)room);
        if (normalisesLast)
            norm?.Forward(room.Channels!, mode);
        if (mode is Mode.Training)
        {
            for (var group = 0; group < groups.Length; group++)
                groups[group].Dropout?.Forward(room.Parts[group]);
        }
        room.Padding?.zero_();
    }

    /// <summary>Turns the loss gradient at the output into that at the pre-activations, in place.</summary>
    public void Backward(TrainingRoom room, Mode mode)
    {
        if (mode is Mode.Training)
        {
            for (var group = 0; group < groups.Length; group++)
                groups[group].Dropout?.Backward(room.GradientParts[group]);
        }
        if (normalisesLast)
            norm?.Backward(room.GradientChannels!);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Backward(room.GradientParts[group], room.Activations[group]);
        if (!normalisesLast)
            norm?.Backward(room.GradientChannels!);
    }

    /// <summary>The activation's slope at each unit and column of the last pass, in place of whatever the gradient buffer held.</summary>
    public void Slopes(TrainingRoom room)
    {
        room.Gradient.fill_(1);
        for (var group = 0; group < groups.Length; group++)
            groups[group].Activation.Backward(room.GradientParts[group], room.Activations[group]);
    }

    private void Keep(TrainingRoom room)
    {
        for (var group = 0; group < groups.Length; group++)
        {
            if (room.Activations[group] is var kept && !ReferenceEquals(kept, room.Parts[group]))
                kept.copy_(room.Parts[group]);
        }
    }
}
