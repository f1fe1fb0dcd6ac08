namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>How a silo's slots are told to end, one step after the other.</summary>
/// <param name="Stopping">No cohort is begun any more, and one in training is saved at the end of its epoch.</param>
/// <param name="BreakingSavable">The end of an epoch is no longer waited for where the run can be saved as it was before that epoch.</param>
/// <param name="Breaking">No epoch's end is waited for.</param>
internal readonly record struct SlotStop(CancellationToken Stopping, CancellationToken BreakingSavable, CancellationToken Breaking);
