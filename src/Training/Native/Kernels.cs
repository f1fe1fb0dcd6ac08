using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training;

/// <summary>The steps of a training pass as TorchScript, each a single call from here.</summary>
/// <remarks>
/// TorchSharp has no operators that write into a given tensor, no backward kernels and no batch norm with its statistics; libtorch's
/// script interpreter reaches them all. Nothing here makes a tensor that outlives its call.
/// Trials lie along dimension 0, units along 1, rows along 2: <c>[K, H, B]</c>. No kernel mixes values along dimension 0.
/// </remarks>
internal static class Kernels
{
    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile("""
        def dense(z, w, x, b):
            torch.bmm(w, x, out=z)
            z.add_(b)

        def dense_gradient(dz, xt, dw, db):
            torch.bmm(dz, xt, out=dw)
            torch.sum(dz, [2], True, out=db)

        def dense_backward(dz, w, dx):
            torch.bmm(w.transpose(1, 2), dz, out=dx)

        def transpose(x, xt):
            xt.copy_(x.transpose(1, 2))

        def gather(features, labels, targets, rows, batch: int, xt, x, y, t):
            torch.index_select(features, 0, rows[batch], out=xt.view(-1, features.size(1)))
            x.copy_(xt.transpose(1, 2))
            torch.index_select(labels, 0, rows[batch], out=y.view(-1))
            torch.index_select(targets, 0, rows[batch], out=t.view(-1, targets.size(1)))

        def softmax_loss(z, labels, targets, scale: float, log_p, dz, total):
            torch._log_softmax(z, 1, False, out=log_p)
            torch._softmax(z, 1, False, out=dz)
            dz.sub_(targets).mul_(scale)
            total.sub_(torch.sum(torch.gather(log_p, 1, labels), [1, 2]))

        def score(z, labels, rows: int, log_p, loss, right):
            torch._log_softmax(z, 1, False, out=log_p)
            loss.sub_(torch.sum(torch.gather(log_p, 1, labels).narrow(2, 0, rows), [1, 2], dtype=loss.dtype))
            largest, answers = torch.max(z, 1, True)
            right.add_(torch.sum(torch.eq(answers, labels).narrow(2, 0, rows), [1, 2]))

        def sgd(w: List[Tensor], g: List[Tensor], v: List[Tensor], rate: List[Tensor], momentum: List[Tensor]):
            for i in range(len(w)):
                w[i].addcmul_(torch.addcmul(g[i], v[i], momentum[i], out=v[i]), rate[i])

        def batch_norm(z, x, scale, shift, mean, variance, momentum: float, eps: float, batch_mean, batch_inverse):
            rows = z.size(2)
            torch.mean(z, [2], True, out=batch_mean)
            torch.sub(z, batch_mean, out=x)
            torch.linalg_vector_norm(x, 2, [2], True, out=batch_inverse)
            batch_variance = batch_inverse.square_().div_(rows).clone()
            batch_inverse.add_(eps).rsqrt_()
            torch.mul(x, batch_inverse * scale, out=z).add_(shift)
            mean.lerp_(batch_mean, momentum)
            variance.mul_(1 - momentum).add_(batch_variance, alpha=momentum * rows / (rows - 1))

        def batch_norm_evaluate(z, scale, shift, mean, variance, eps: float):
            z.copy_(torch.batch_norm(z, scale.view(-1), shift.view(-1), mean.view(-1), variance.view(-1), False, 0.0, eps, False))

        def batch_norm_backward(dy, x, scale, no_mean, batch_inverse, eps: float, dscale, dshift):
            dx, ds, db = torch.native_batch_norm_backward(
                dy, x, scale.view(-1), None, None, no_mean.view(-1), batch_inverse.view(-1), True, eps, [True, True, True])
            dy.copy_(dx)
            dscale.copy_(ds.view_as(dscale))
            dshift.copy_(db.view_as(dshift))

        def logistic_backward(dy, y):
            torch.sigmoid_backward(dy, y, grad_input=dy)

        def tanh_backward(dy, y):
            torch.tanh_backward(dy, y, grad_input=dy)

        def relu_backward(dy, y):
            torch.threshold_backward(dy, y, 0, grad_input=dy)

        def leaky_relu_backward(dy, y, alpha: float):
            torch.leaky_relu_backward(dy, y, alpha, True, grad_input=dy)

        def elu(z, alpha: float):
            torch.elu_(z, alpha)

        def elu_backward(dy, y, alpha: float):
            torch.elu_backward(dy, alpha, 1, 1, True, y, grad_input=dy)

        def prelu(z, alpha):
            z.copy_(torch._prelu_kernel(z, alpha))

        def prelu_backward(dy, z, alpha, dalpha):
            dz, da = torch._prelu_kernel_backward(dy, z, alpha)
            dy.copy_(dz)
            torch.sum(da, [1, 2], True, out=dalpha)

        """));

    /// <param name="arguments">Tensors, arrays of them, ints, and Scalars that the caller keeps.</param>
    public static void Run(string kernel, params object[] arguments)
    {
        foreach (var argument in arguments)
        {
            // TorchSharp makes a Scalar of such a number and hands its address on, but lets the collector free it before it is read.
            if (argument is double or float or long)
                throw new ArgumentException($"{kernel}: {argument} must be an int or a Scalar that is kept.", nameof(arguments));
        }
        Unit.Value.invoke(kernel, arguments);
        GC.KeepAlive(arguments);
    }
}
