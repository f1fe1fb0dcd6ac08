using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace DeepTrain.Cluster.Silo.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    /// <remarks>Columns are dropped in SQL, because EF Core would make the tables anew, in more than one transaction.</remarks>
    public partial class ControlAndFailures : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_trials_waiting",
                table: "trials");

            migrationBuilder.DropIndex(
                name: "ix_trials_waiting_by_fusion_key",
                table: "trials");

            migrationBuilder.AddColumn<string>(
                name: "failure_log",
                table: "trials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "loss_epoch",
                table: "trials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "losses",
                table: "trials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "losses_alone",
                table: "trials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "retry_at",
                table: "trials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "tries",
                table: "trials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<int>(
                name: "max_attempts",
                table: "sweeps",
                type: "INTEGER",
                nullable: false,
                defaultValue: 3);

            migrationBuilder.CreateIndex(
                name: "ix_trials_suspect",
                table: "trials",
                columns: new[] { "sweep", "replicate", "position" },
                filter: "losses >= 2 AND outcome IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_trials_waiting",
                table: "trials",
                columns: new[] { "sweep", "replicate", "position" },
                filter: "active AND outcome IS NULL AND lease IS NULL AND losses < 2");

            migrationBuilder.CreateIndex(
                name: "ix_trials_waiting_by_fusion_key",
                table: "trials",
                columns: new[] { "sweep", "fusion_key", "replicate", "position" },
                filter: "active AND outcome IS NULL AND lease IS NULL AND losses < 2");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_trials_suspect",
                table: "trials");

            migrationBuilder.DropIndex(
                name: "ix_trials_waiting",
                table: "trials");

            migrationBuilder.DropIndex(
                name: "ix_trials_waiting_by_fusion_key",
                table: "trials");

            migrationBuilder.Sql("""
                ALTER TABLE "trials" DROP COLUMN "failure_log";
                ALTER TABLE "trials" DROP COLUMN "loss_epoch";
                ALTER TABLE "trials" DROP COLUMN "losses";
                ALTER TABLE "trials" DROP COLUMN "losses_alone";
                ALTER TABLE "trials" DROP COLUMN "retry_at";
                ALTER TABLE "trials" DROP COLUMN "tries";
                ALTER TABLE "sweeps" DROP COLUMN "max_attempts";
                """);

            migrationBuilder.CreateIndex(
                name: "ix_trials_waiting",
                table: "trials",
                columns: new[] { "sweep", "replicate", "position" },
                filter: "active = 1 AND outcome IS NULL AND lease IS NULL");

            migrationBuilder.CreateIndex(
                name: "ix_trials_waiting_by_fusion_key",
                table: "trials",
                columns: new[] { "sweep", "fusion_key", "replicate", "position" },
                filter: "active = 1 AND outcome IS NULL AND lease IS NULL");
        }
    }
}
