using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace DeepTrain.Cluster.Silo.Storage.Migrations.Sqlite
{
    /// <inheritdoc />
    /// <remarks>A sweep that was leased before is of the kind that its trials were leased by.</remarks>
    public partial class Devices : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "device",
                table: "sweeps",
                type: "TEXT",
                nullable: true);

            migrationBuilder.Sql("""
                UPDATE sweeps SET device = (
                    SELECT p.device FROM trials t JOIN provenances p ON p.key = t.provenance WHERE t.sweep = sweeps.key LIMIT 1)
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("ALTER TABLE sweeps DROP COLUMN device");
    }
}
