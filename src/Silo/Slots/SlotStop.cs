namespace DeepTrain.Cluster.Silo.Slots;

/// <summary>The steps in which a silo's slots are stopped.</summary>
/// <param name="Stopping">No new cohort begins, and a cohort in training is saved at the end of its epoch.</param>
/// <param name="BreakingSavable">Epochs are aborted if the run can be saved as it was before that epoch.</param>
/// <param name="Breaking">All epochs are aborted.</param>
internal readonly record struct SlotStop(CancellationToken Stopping, CancellationToken BreakingSavable, CancellationToken Breaking);
