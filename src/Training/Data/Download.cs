using DeepTrain.Cluster.Sweeps.Trainers;
using DeepTrain.Cluster.Sweeps.Trials;
using DeepTrain.Cluster.Training.Files;

namespace DeepTrain.Cluster.Training.Data;

/// <summary>Downloads a published file into the cache. An incomplete or wrong file is not kept.</summary>
internal static class Download
{
    /// <summary>A download is aborted after this time without a byte.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(2);

    private const long MostBytes = 64 << 20;

    /// <returns>The values in the file.</returns>
    /// <exception cref="TrainerException">The file is not available, or is not the published one.</exception>
    public static byte[] Fetch(
        Uri from, string folder, string dataset, OfficialFile file, DatasetSources sources, Action<string> tell, CancellationToken cancellation)
    {
        var remedy = $"Give a folder that has the files of {dataset} with --datasets or {DatasetSources.Variable}"
            + (dataset == "fashion-mnist" ? ", or install Debian's package dataset-fashion-mnist." : ".");
        if (sources.Network is null)
            throw new TrainerException(FailureClass.Infrastructure, $"{dataset}: {file.Name} is not on this machine. {remedy}");
        byte[]? values = null;
        try
        {
            DurableFile.Write(Path.Combine(folder, file.Name + ".gz"), content =>
            {
                // Blocking is acceptable: slots and the command line call this on threads of their own.
                CopyAsync(from, content, $"{dataset}: {file.Name}.gz", sources.Network, tell, cancellation).GetAwaiter().GetResult();
                content.Position = 0;
                values = OfficialFiles.Read(content, file);
            });
            return values!;
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or UnauthorizedAccessException or DataFileException
            || (broken is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            var why = broken is OperationCanceledException ? $"no answer for {Silence.TotalSeconds:0} seconds" : broken.Message;
            throw new TrainerException(DataFileException.FailureClassOf(broken),
                $"{dataset}: {file.Name} is not on this machine and cannot be downloaded from {from} into {folder}: {why.TrimEnd('.')}. {remedy}", broken);
        }
    }

    private static async Task CopyAsync(
        Uri from, Stream to, string name, Func<HttpClient> network, Action<string> tell, CancellationToken cancellation)
    {
        using var http = network();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Silence);
        tell($"{name}: downloading from {from.Host} ...");
        using var response = await http.GetAsync(from, HttpCompletionOption.ResponseHeadersRead, patience.Token).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        var size = response.Content.Headers.ContentLength;
        using var body = await response.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
        var buffer = new byte[1 << 16];
        var told = TimeProvider.System.GetTimestamp();
        for (long total = 0; await body.ReadAsync(buffer, patience.Token).ConfigureAwait(false) is > 0 and var read;)
        {
            patience.CancelAfter(Silence);
            total += read;
            if (total > MostBytes)
                throw new DataFileException("it is larger than the published file");
            await to.WriteAsync(buffer.AsMemory(0, read), patience.Token).ConfigureAwait(false);
            if (TimeProvider.System.GetElapsedTime(told) < TellEvery)
                continue;
            told = TimeProvider.System.GetTimestamp();
            tell(FormattableString.Invariant($"{name}: {total / 1e6:0.0}{(size is { } all ? $" of {all / 1e6:0.0}" : "")} MB"));
        }
    }
}
