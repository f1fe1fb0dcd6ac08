using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace DeepTrain.Cluster.Silo.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "provenances",
                columns: table => new
                {
                    key = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    code_version = table.Column<string>(type: "TEXT", nullable: false),
                    libtorch = table.Column<string>(type: "TEXT", nullable: false),
                    cpu_capability = table.Column<string>(type: "TEXT", nullable: false),
                    device = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_provenances", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "sweeps",
                columns: table => new
                {
                    key = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    name = table.Column<string>(type: "TEXT", nullable: false),
                    number = table.Column<int>(type: "INTEGER", nullable: false),
                    status = table.Column<string>(type: "TEXT", nullable: false),
                    created = table.Column<long>(type: "INTEGER", nullable: false),
                    finished = table.Column<long>(type: "INTEGER", nullable: true),
                    fence = table.Column<long>(type: "INTEGER", nullable: false),
                    text = table.Column<string>(type: "TEXT", nullable: false),
                    resolved = table.Column<string>(type: "TEXT", nullable: false),
                    hash = table.Column<string>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_sweeps", x => x.key);
                });

            migrationBuilder.CreateTable(
                name: "cells",
                columns: table => new
                {
                    key = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    sweep = table.Column<long>(type: "INTEGER", nullable: false),
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    position = table.Column<int>(type: "INTEGER", nullable: false),
                    configuration = table.Column<string>(type: "TEXT", nullable: false),
                    fusion_key = table.Column<string>(type: "TEXT", nullable: false),
                    active = table.Column<bool>(type: "INTEGER", nullable: false)
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
                    key = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    sweep = table.Column<long>(type: "INTEGER", nullable: false),
                    id = table.Column<string>(type: "TEXT", nullable: false),
                    silo = table.Column<string>(type: "TEXT", nullable: false),
                    slot = table.Column<int>(type: "INTEGER", nullable: false),
                    granted = table.Column<long>(type: "INTEGER", nullable: false),
                    expires = table.Column<long>(type: "INTEGER", nullable: true)
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
                    key = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    sweep = table.Column<long>(type: "INTEGER", nullable: false),
                    cell = table.Column<long>(type: "INTEGER", nullable: false),
                    replicate = table.Column<int>(type: "INTEGER", nullable: false),
                    position = table.Column<int>(type: "INTEGER", nullable: false),
                    fusion_key = table.Column<string>(type: "TEXT", nullable: false),
                    active = table.Column<bool>(type: "INTEGER", nullable: false),
                    lease = table.Column<long>(type: "INTEGER", nullable: true),
                    provenance = table.Column<long>(type: "INTEGER", nullable: true),
                    fence = table.Column<long>(type: "INTEGER", nullable: false),
                    attempt = table.Column<int>(type: "INTEGER", nullable: false),
                    outcome = table.Column<string>(type: "TEXT", nullable: true),
                    train_loss = table.Column<double>(type: "REAL", nullable: true),
                    validation_loss = table.Column<double>(type: "REAL", nullable: true),
                    validation_accuracy = table.Column<double>(type: "REAL", nullable: true),
                    test_loss = table.Column<double>(type: "REAL", nullable: true),
                    test_accuracy = table.Column<double>(type: "REAL", nullable: true),
                    epochs = table.Column<int>(type: "INTEGER", nullable: false),
                    seconds = table.Column<double>(type: "REAL", nullable: false),
                    failure_class = table.Column<string>(type: "TEXT", nullable: true),
                    failure_message = table.Column<string>(type: "TEXT", nullable: true)
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
                    trial = table.Column<long>(type: "INTEGER", nullable: false),
                    epoch = table.Column<int>(type: "INTEGER", nullable: false),
                    fence = table.Column<long>(type: "INTEGER", nullable: false),
                    train_loss = table.Column<double>(type: "REAL", nullable: true),
                    validation_loss = table.Column<double>(type: "REAL", nullable: true),
                    validation_accuracy = table.Column<double>(type: "REAL", nullable: true),
                    seconds = table.Column<double>(type: "REAL", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_epochs", x => new { x.trial, x.epoch });
                    table.CheckConstraint("ck_epochs_counted_from_1", "epoch >= 1");
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
                name: "ix_leases_open",
                table: "leases",
                columns: new[] { "sweep", "expires" },
                filter: "expires IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_leases_sweep_id",
                table: "leases",
                columns: new[] { "sweep", "id" },
                unique: true);

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
                name: "ix_trials_counted",
                table: "trials",
                columns: new[] { "sweep", "outcome", "active", "lease" });

            migrationBuilder.CreateIndex(
                name: "ix_trials_leased",
                table: "trials",
                column: "lease",
                filter: "lease IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_trials_provenance",
                table: "trials",
                column: "provenance");

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
