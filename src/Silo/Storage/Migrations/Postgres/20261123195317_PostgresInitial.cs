using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;

#nullable disable

namespace DeepTrain.Cluster.Silo.Storage.Migrations.Postgres
{
    /// <inheritdoc />
    public partial class PostgresInitial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "provenances",
                columns: table => new
                {
                    key = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    code_version = table.Column<string>(type: "text", nullable: false),
                    libtorch = table.Column<string>(type: "text", nullable: false),
                    cpu_capability = table.Column<string>(type: "text", nullable: false),
                    device = table.Column<string>(type: "text", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_provenances", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "sweeps",
                columns: table => new
                {
                    key = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    id = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    status = table.Column<string>(type: "text", nullable: false),
                    created = table.Column<long>(type: "bigint", nullable: false),
                    finished = table.Column<long>(type: "bigint", nullable: true),
                    fence = table.Column<long>(type: "bigint", nullable: false),
                    text = table.Column<string>(type: "text", nullable: false),
                    resolved = table.Column<string>(type: "text", nullable: false),
                    hash = table.Column<string>(type: "text", nullable: false),
                    max_attempts = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_sweeps", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "cells",
                columns: table => new
                {
                    key = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    sweep = table.Column<long>(type: "bigint", nullable: false),
                    id = table.Column<string>(type: "text", nullable: false),
                    position = table.Column<int>(type: "integer", nullable: false),
                    configuration = table.Column<string>(type: "text", nullable: false),
                    fusion_key = table.Column<string>(type: "text", nullable: false),
                    active = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_cells", x => x.key);
                    table.ForeignKey(
                        name: "FK_cells_sweeps_sweep",
                        column: x => x.sweep,
                        principalTable: "sweeps",
                        principalColumn: "key",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "leases",
                columns: table => new
                {
                    key = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    sweep = table.Column<long>(type: "bigint", nullable: false),
                    id = table.Column<string>(type: "text", nullable: false),
                    silo = table.Column<string>(type: "text", nullable: false),
                    slot = table.Column<int>(type: "integer", nullable: false),
                    granted = table.Column<long>(type: "bigint", nullable: false),
                    expires = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_leases", x => x.key);
                    table.ForeignKey(
                        name: "FK_leases_sweeps_sweep",
                        column: x => x.sweep,
                        principalTable: "sweeps",
                        principalColumn: "key",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateTable(
                name: "trials",
                columns: table => new
                {
                    key = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    sweep = table.Column<long>(type: "bigint", nullable: false),
                    cell = table.Column<long>(type: "bigint", nullable: false),
                    replicate = table.Column<int>(type: "integer", nullable: false),
                    position = table.Column<int>(type: "integer", nullable: false),
                    fusion_key = table.Column<string>(type: "text", nullable: false),
                    active = table.Column<bool>(type: "boolean", nullable: false),
                    lease = table.Column<long>(type: "bigint", nullable: true),
                    provenance = table.Column<long>(type: "bigint", nullable: true),
                    fence = table.Column<long>(type: "bigint", nullable: false),
                    attempt = table.Column<int>(type: "integer", nullable: false),
                    outcome = table.Column<string>(type: "text", nullable: true),
                    train_loss = table.Column<double>(type: "double precision", nullable: true),
                    validation_loss = table.Column<double>(type: "double precision", nullable: true),
                    validation_accuracy = table.Column<double>(type: "double precision", nullable: true),
                    test_loss = table.Column<double>(type: "double precision", nullable: true),
                    test_accuracy = table.Column<double>(type: "double precision", nullable: true),
                    epochs = table.Column<int>(type: "integer", nullable: false),
                    seconds = table.Column<double>(type: "double precision", nullable: false),
                    failure_class = table.Column<string>(type: "text", nullable: true),
                    failure_message = table.Column<string>(type: "text", nullable: true),
                    failure_log = table.Column<string>(type: "text", nullable: true),
                    ailments_start = table.Column<int>(type: "integer", nullable: true),
                    ailments_end = table.Column<int>(type: "integer", nullable: true),
                    checkpoint = table.Column<string>(type: "text", nullable: true),
                    checkpoint_epoch = table.Column<int>(type: "integer", nullable: true),
                    tries = table.Column<int>(type: "integer", nullable: false),
                    losses = table.Column<int>(type: "integer", nullable: false),
                    losses_alone = table.Column<int>(type: "integer", nullable: false),
                    loss_epoch = table.Column<int>(type: "integer", nullable: false),
                    retry_at = table.Column<long>(type: "bigint", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_trials", x => x.key);
                    table.CheckConstraint("ck_trials_failure", "failure_class IS NULL OR outcome = 'Failed'");
                    table.ForeignKey(
                        name: "FK_trials_cells_cell",
                        column: x => x.cell,
                        principalTable: "cells",
                        principalColumn: "key",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "FK_trials_leases_lease",
                        column: x => x.lease,
                        principalTable: "leases",
                        principalColumn: "key");
                    table.ForeignKey(
                        name: "FK_trials_provenances_provenance",
                        column: x => x.provenance,
                        principalTable: "provenances",
                        principalColumn: "key");
                });

            migrationBuilder.CreateTable(
                name: "epochs",
                columns: table => new
                {
                    trial = table.Column<long>(type: "bigint", nullable: false),
                    epoch = table.Column<int>(type: "integer", nullable: false),
                    fence = table.Column<long>(type: "bigint", nullable: false),
                    train_loss = table.Column<double>(type: "double precision", nullable: true),
                    validation_loss = table.Column<double>(type: "double precision", nullable: true),
                    validation_accuracy = table.Column<double>(type: "double precision", nullable: true),
                    seconds = table.Column<double>(type: "double precision", nullable: false),
                    health = table.Column<byte[]>(type: "bytea", nullable: true),
                    ailments = table.Column<int>(type: "integer", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_epochs", x => new { x.trial, x.epoch });
                    table.CheckConstraint("ck_epochs_counted_from_0", "epoch >= 0");
                    table.ForeignKey(
                        name: "FK_epochs_trials_trial",
                        column: x => x.trial,
                        principalTable: "trials",
                        principalColumn: "key",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_cells_sweep_id",
                table: "cells",
                columns: new[] { "sweep", "id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_leases_sweep_id",
                table: "leases",
                columns: new[] { "sweep", "id" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "ix_leases_open",
                table: "leases",
                columns: new[] { "sweep", "expires" },
                filter: "expires IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_provenances_code_version_libtorch_cpu_capability_device",
                table: "provenances",
                columns: new[] { "code_version", "libtorch", "cpu_capability", "device" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_sweeps_id",
                table: "sweeps",
                column: "id",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_sweeps_name_number",
                table: "sweeps",
                columns: new[] { "name", "number" });

            migrationBuilder.CreateIndex(
                name: "IX_trials_cell_replicate",
                table: "trials",
                columns: new[] { "cell", "replicate" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_trials_provenance",
                table: "trials",
                column: "provenance");

            migrationBuilder.CreateIndex(
                name: "ix_trials_counted",
                table: "trials",
                columns: new[] { "sweep", "outcome", "active", "lease" });

            migrationBuilder.CreateIndex(
                name: "ix_trials_leased",
                table: "trials",
                column: "lease",
                filter: "lease IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "ix_trials_saved",
                table: "trials",
                column: "checkpoint",
                filter: "checkpoint IS NOT NULL");

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
            migrationBuilder.DropTable(
                name: "epochs");

            migrationBuilder.DropTable(
                name: "trials");

            migrationBuilder.DropTable(
                name: "cells");

            migrationBuilder.DropTable(
                name: "leases");

            migrationBuilder.DropTable(
                name: "provenances");

            migrationBuilder.DropTable(
                name: "sweeps");
        }
    }
}
