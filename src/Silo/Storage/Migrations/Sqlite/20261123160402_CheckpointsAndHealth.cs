using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace DeepTrain.Cluster.Silo.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    /// <remarks>
    /// SQLite changes no check constraint, so the table of epochs is made anew. Written out, it happens in the migration's one transaction:
    /// EF Core would leave it to be killed between two.
    /// </remarks>
    public partial class CheckpointsAndHealth : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "ailments_start",
                table: "trials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "ailments_end",
                table: "trials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "checkpoint",
                table: "trials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "checkpoint_epoch",
                table: "trials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "ix_trials_saved",
                table: "trials",
                column: "checkpoint",
                filter: "checkpoint IS NOT NULL");

            migrationBuilder.Sql(Remade(0, """
                "health" BLOB NULL,
                "ailments" INTEGER NULL,
                """));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql(Remade(1, ""));

            migrationBuilder.DropIndex(
                name: "ix_trials_saved",
                table: "trials");

            migrationBuilder.Sql("""
                ALTER TABLE "trials" DROP COLUMN "ailments_start";
                ALTER TABLE "trials" DROP COLUMN "ailments_end";
                ALTER TABLE "trials" DROP COLUMN "checkpoint";
                ALTER TABLE "trials" DROP COLUMN "checkpoint_epoch";
                """);
        }

        private static string Remade(int first, string more) => $"""
            CREATE TABLE "epochs_remade" (
                "trial" INTEGER NOT NULL,
                "epoch" INTEGER NOT NULL,
                "fence" INTEGER NOT NULL,
                "train_loss" REAL NULL,
                "validation_loss" REAL NULL,
                "validation_accuracy" REAL NULL,
                "seconds" REAL NOT NULL,
                {more}
                CONSTRAINT "PK_epochs" PRIMARY KEY ("trial", "epoch"),
                CONSTRAINT "ck_epochs_counted_from_{first}" CHECK (epoch >= {first}),
                CONSTRAINT "FK_epochs_trials_trial" FOREIGN KEY ("trial") REFERENCES "trials" ("key") ON DELETE CASCADE
            );
            INSERT INTO "epochs_remade" ("trial", "epoch", "fence", "train_loss", "validation_loss", "validation_accuracy", "seconds")
            SELECT "trial", "epoch", "fence", "train_loss", "validation_loss", "validation_accuracy", "seconds" FROM "epochs"
            WHERE epoch >= {first};
            DROP TABLE "epochs";
            ALTER TABLE "epochs_remade" RENAME TO "epochs";
            """;
    }
}
