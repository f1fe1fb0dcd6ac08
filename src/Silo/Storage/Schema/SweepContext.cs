using DeepTrain.Cluster.Sweeps.Trials;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace DeepTrain.Cluster.Silo.Storage.Schema;

/// <summary>The schema, for migrations: statements are SQL. Times are UTC milliseconds, enums names, non-finite numbers NULL.</summary>
internal abstract class SweepContext(DbContextOptions options) : DbContext(options)
{
    protected override void ConfigureConventions(ModelConfigurationBuilder configuration) =>
        configuration.Properties<DateTimeOffset>().HaveConversion<Milliseconds>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<SweepRow>(sweep =>
        {
            sweep.ToTable("sweeps");
            sweep.HasKey(row => row.Key);
            sweep.Property(row => row.Id).IsRequired();
            sweep.Property(row => row.Status).HasConversion<string>();
            sweep.HasIndex(row => row.Id).IsUnique();
            sweep.HasIndex(row => new { row.Name, row.Number });
        });
        modelBuilder.Entity<CellRow>(cell =>
        {
            cell.ToTable("cells");
            cell.HasKey(row => row.Key);
            cell.Property(row => row.Id).IsRequired();
            cell.HasOne<SweepRow>().WithMany().HasForeignKey(row => row.Sweep);
            cell.HasIndex(row => new { row.Sweep, row.Id }).IsUnique();
        });
        modelBuilder.Entity<TrialRow>(trial =>
        {
            trial.ToTable("trials", table => table.HasCheckConstraint(
                "ck_trials_failure", $"failure_class IS NULL OR outcome = '{nameof(Outcome.Failed)}'"));
            trial.HasKey(row => row.Key);
            trial.Property(row => row.Outcome).HasConversion<string>();
            trial.HasOne<CellRow>().WithMany().HasForeignKey(row => row.Cell);
            trial.HasOne<LeaseRow>().WithMany().HasForeignKey(row => row.Lease);
            trial.HasOne<ProvenanceRow>().WithMany().HasForeignKey(row => row.Provenance);
            trial.HasIndex(row => new { row.Cell, row.Replicate }).IsUnique();
            trial.HasIndex(row => new { row.Sweep, row.Replicate, row.Position }, "ix_trials_waiting").HasFilter(Waiting);
            trial.HasIndex(row => new { row.Sweep, row.FusionKey, row.Replicate, row.Position }, "ix_trials_waiting_by_fusion_key")
                .HasFilter(Waiting);
            trial.HasIndex(row => new { row.Sweep, row.Replicate, row.Position }, "ix_trials_suspect").HasFilter(Suspect);
            trial.HasIndex(row => row.Checkpoint, "ix_trials_saved").HasFilter("checkpoint IS NOT NULL");
            trial.HasIndex(row => row.Lease, "ix_trials_leased").HasFilter("lease IS NOT NULL");
            trial.HasIndex(row => new { row.Sweep, row.Outcome, row.Active, row.Lease }, "ix_trials_counted");
        });
        modelBuilder.Entity<ProvenanceRow>(provenance =>
        {
            provenance.ToTable("provenances");
            provenance.HasKey(row => row.Key);
            provenance.HasIndex(row => new { row.CodeVersion, row.Libtorch, row.CpuCapability, row.Device }).IsUnique();
        });
        modelBuilder.Entity<EpochRow>(epoch =>
        {
            epoch.ToTable("epochs", table => table.HasCheckConstraint("ck_epochs_counted_from_0", "epoch >= 0"));
            epoch.HasKey(row => new { row.Trial, row.Epoch });
            epoch.HasOne<TrialRow>().WithMany().HasForeignKey(row => row.Trial);
        });
        modelBuilder.Entity<LeaseRow>(lease =>
        {
            lease.ToTable("leases");
            lease.HasKey(row => row.Key);
            lease.Property(row => row.Id).IsRequired();
            lease.HasOne<SweepRow>().WithMany().HasForeignKey(row => row.Sweep);
            lease.HasIndex(row => new { row.Sweep, row.Id }).IsUnique();
            lease.HasIndex(row => new { row.Sweep, row.Expires }, "ix_leases_open").HasFilter("expires IS NOT NULL");
        });
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
            property.SetColumnName(SnakeCase(property.Name));
    }

    /// <summary>Waiting trials that are not suspects. Statements must use exactly this text for the indexes to be used.</summary>
    public const string Waiting = $"active AND outcome IS NULL AND lease IS NULL AND {Trusted}";

    /// <summary>Trials that are leased alone, because their leases were lost too often while they were among others.</summary>
    public const string Suspect = "losses >= 2 AND outcome IS NULL";

    private const string Trusted = "losses < 2";

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((letter, at) => char.IsUpper(letter) && at > 0 ? $"_{char.ToLowerInvariant(letter)}"
            : $"{char.ToLowerInvariant(letter)}"));

    private sealed class Milliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(), milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}

/// <summary>For SQLite's migrations.</summary>
internal sealed class SqliteSweepContext(DbContextOptions<SqliteSweepContext> options) : SweepContext(options);

/// <summary>For PostgreSQL's migrations.</summary>
internal sealed class PostgresSweepContext(DbContextOptions<PostgresSweepContext> options) : SweepContext(options);
