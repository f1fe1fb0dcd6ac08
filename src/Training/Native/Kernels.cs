using static TorchSharp.torch;

namespace DeepTrain.Cluster.Training.Native;

/// <summary>The operations of a training pass as TorchScript functions, each run by a single call.</summary>
/// <remarks>
/// TorchSharp lacks operators that write into a given tensor, backward kernels, and batch norm with its statistics. libtorch's
/// script interpreter has them all. No function creates a tensor that outlives its call.
/// Dimension 0 holds trials, 1 units, 2 rows: <c>[K, H, B]</c>. No kernel mixes values along dimension 0.
/// </remarks>
internal static class Kernels
{
    private static readonly Lazy<jit.CompilationUnit> Unit = new(() => jit.compile("""
        def product(a, b, out):
            # A single matrix by a single row or column takes another way through MKL than several: alone it would have other bits.
            if a.size(0) == 1 and (a.size(1) == 1 or b.size(2) == 1):
                out.copy_(torch.bmm(a.expand(2, -1, -1), b.expand(2, -1, -1)).narrow(0, 0, 1))
            else:
                torch.bmm(a, b, out=out)

        def dense(z, w, x, b):
            product(w, x, z)
            z.add_(b)

        def dense_shared(z, w, x, b):
            torch.mm(w.view(-1, w.size(2)), x[0], out=z.view(-1, z.size(2)))
            z.add_(b)

        def dense_gradient_shared(dz, xt, dw, db, blocks: int):
            rows = dz.view(blocks, -1, dz.size(2))
            torch.bmm(rows, xt.narrow(0, 0, 1).expand(blocks, -1, -1), out=dw.view(blocks, -1, dw.size(2)))
            torch.sum(dz, [2], True, out=db)

        def dense_gradient(dz, xt, dw, db):
            product(dz, xt, dw)
            torch.sum(dz, [2], True, out=db)

        def dense_backward(dz, w, dx):
            product(w.transpose(1, 2), dz, dx)

        def transpose(x, xt):
            xt.copy_(x.narrow(0, 0, xt.size(0)).transpose(1, 2))

        def patches(x, padded, spread, columns, height: int, width: int):
            image = x.view(padded.size(0), padded.size(1), height, width, padded.size(4))
            padded.narrow(2, 1, height).narrow(3, 1, width).copy_(image)
            columns.copy_(spread)

        def patches_backward(columns, x, height: int, width: int):
            padded = torch.zeros([x.size(0), x.size(1), height + 2, width + 2, x.size(4)], dtype=x.dtype, device=x.device)
            for i in range(3):
                for j in range(3):
                    padded.narrow(2, i, height).narrow(3, j, width).add_(columns.select(2, i).select(2, j))
            x.copy_(padded.narrow(2, 1, height).narrow(3, 1, width))

        def max_pool(corners: List[Tensor], y):
            y.copy_(torch.maximum(torch.maximum(corners[0], corners[1]), torch.maximum(corners[2], corners[3])))

        def max_pool_backward(dy, y, corners: List[Tensor], gradients: List[Tensor], dx):
            dx.zero_()
            free = torch.eq(torch.zeros_like(y), 0)
            for i in range(len(corners)):
                hit = torch.eq(corners[i], y).logical_and_(free)
                gradients[i].copy_(dy * hit)
                free.logical_and_(torch.logical_not(hit))

        def note_largest(y, rows: int, largest):
            largest.copy_(torch.maximum(largest, torch.amax(y.narrow(3, 0, rows), [2, 3]).unsqueeze(2)))

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

        def smooth_softmax_loss(z, labels, targets, scale: float, log_p, dz, total, kept, spread):
            torch._log_softmax(z, 1, False, out=log_p)
            torch._softmax(z, 1, False, out=dz)
            dz.sub_(targets * kept + spread).mul_(scale)
            smooth = torch.sum(torch.sum(log_p, [1]), [1]) * spread.view(-1)
            named = torch.sum(torch.gather(log_p, 1, labels), [1, 2]) * kept.view(-1)
            total.sub_(torch.where(spread.view(-1) > 0, named + smooth, named))

        def score(z, labels, rows: int, log_p, loss, right):
            torch._log_softmax(z, 1, False, out=log_p)
            loss.sub_(torch.sum(torch.gather(log_p, 1, labels).narrow(2, 0, rows), [1, 2], dtype=loss.dtype))
            largest, answers = torch.max(z, 1, True)
            right.add_(torch.sum(torch.eq(answers, labels).narrow(2, 0, rows), [1, 2]))

        def set_row(current, table, row: int):
            current.copy_(table[row])

        def set_rows(current, table, row: int, places):
            torch.index_select(table[row], 0, places, out=current)

        def uniforms(out, steps, layer: int, replicate: int, purpose: int):
            # Philox4x32-10 on 64-bit integers: the sign bit of a product is a digit like any other, and is masked off after each shift.
            low = 4294967295
            blocks = (out.size(2) + 3) // 4
            x0 = torch.arange(blocks, device=out.device).view(1, 1, -1).expand(out.size(0), out.size(1), -1)
            x1 = torch.arange(out.size(1), device=out.device).view(1, -1, 1).expand_as(x0)
            x2 = torch.full_like(x0, layer)
            x3 = steps.view(-1, 1, 1).expand_as(x0)
            k0 = replicate
            k1 = purpose
            for i in range(10):
                p0 = x0 * 3528531795
                p1 = x2 * 3449720151
                x0 = p1.bitwise_right_shift(32).bitwise_and_(low).bitwise_xor_(x1).bitwise_xor_(k0)
                x1 = p1.bitwise_and_(low)
                x2 = p0.bitwise_right_shift(32).bitwise_and_(low).bitwise_xor_(x3).bitwise_xor_(k1)
                x3 = p0.bitwise_and_(low)
                k0 = (k0 + 2654435769) & low
                k1 = (k1 + 3144134277) & low
            words = torch.stack([x0, x1, x2, x3], 3).flatten(2).narrow(2, 0, out.size(2))
            out.copy_(words.bitwise_right_shift(8)).mul_(1.0 / 16777216.0)

        def clip(g: List[Tensor], norm, norms: List[Tensor], most, factor, factors: List[Tensor]):
            norm.zero_()
            for i in range(len(g)):
                rows = torch.linalg_vector_norm(g[i], 2, [2], True).square_()
                norms[i].add_(torch.sum(rows, [1], True))
            factor.copy_(torch.where(most > 0, (most / (torch.sqrt(norm) + 1e-6)).clamp_max_(1.0), torch.ones_like(norm)))
            for i in range(len(g)):
                g[i].mul_(factors[i])

        def decay(w: List[Tensor], g: List[Tensor], part: List[Tensor]):
            for i in range(len(w)):
                g[i].addcmul_(w[i], part[i])

        def shrink(w: List[Tensor], factor: List[Tensor]):
            for i in range(len(w)):
                w[i].mul_(factor[i])

        def sgd(w: List[Tensor], g: List[Tensor], v: List[Tensor], rate: List[Tensor], momentum: List[Tensor]):
            for i in range(len(w)):
                w[i].addcmul_(torch.addcmul(g[i], v[i], momentum[i], out=v[i]), rate[i])

        def nesterov(w: List[Tensor], g: List[Tensor], v: List[Tensor], rate: List[Tensor], momentum: List[Tensor]):
            for i in range(len(w)):
                torch.addcmul(g[i], v[i], momentum[i], out=v[i])
                w[i].addcmul_(torch.addcmul(g[i], v[i], momentum[i]), rate[i])

        def rmsprop(w: List[Tensor], g: List[Tensor], v: List[Tensor], s: List[Tensor], rate: List[Tensor], momentum: List[Tensor],
                    fresh: List[Tensor], eps: List[Tensor]):
            for i in range(len(w)):
                s[i].lerp_(g[i] * g[i], fresh[i])
                v[i].mul_(momentum[i]).add_(g[i] / torch.sqrt(s[i]).add_(eps[i]))
                w[i].addcmul_(v[i], rate[i])

        def adam(w: List[Tensor], g: List[Tensor], v: List[Tensor], s: List[Tensor], rate: List[Tensor], inverse: List[Tensor],
                 fresh1: List[Tensor], fresh2: List[Tensor], eps: List[Tensor]):
            for i in range(len(w)):
                v[i].lerp_(g[i], fresh1[i])
                s[i].lerp_(g[i] * g[i], fresh2[i])
                w[i].addcmul_(v[i] / torch.sqrt(s[i]).mul_(inverse[i]).add_(eps[i]), rate[i])

        def dropout(y, u, p, scale, factor):
            factor.copy_(torch.where(u < p, torch.zeros_like(scale), scale))
            y.mul_(factor)

        def alpha_dropout(y, u, p, scale, shift, dropped, factor):
            out = u < p
            factor.copy_(torch.where(out, torch.zeros_like(scale), scale))
            y.mul_(factor).add_(torch.where(out, dropped, shift))

        def batch_norm(z, x, scale, shift, mean, variance, momentum: float, eps: float, batch_mean, batch_inverse):
            rows = z.size(2)
            torch.mean(z, [2], True, out=batch_mean)
            torch.sub(z, batch_mean, out=x)
            torch.linalg_vector_norm(x, 2, [2], True, out=batch_inverse)
            batch_variance = batch_inverse.square_().div_(rows).clone()
            batch_inverse.add_(eps).rsqrt_()
            torch.mul(x, batch_inverse * scale, out=z).add_(shift)
            if momentum > 0:
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

        def moments(z, units: int, mean, variance):
            part = z.narrow(1, 0, units)
            mean.copy_(torch.mean(torch.mean(part, [2]), [1]))
            rows = torch.linalg_vector_norm(part - mean.to(z.dtype).view(-1, 1, 1), 2, [2]).square_()
            variance.copy_(torch.mean(rows, [1]).div_(z.size(2)))

        def euclidean(x):
            # Scaled first: the square of 1e-20 is 0 in float32.
            largest = torch.amax(torch.abs(x), [1, 2], True).clamp_min_(1e-30)
            rows = torch.linalg_vector_norm(x / largest, 2, [2])
            return torch.linalg_vector_norm(rows, 2, [1]) * largest.view(-1)

        def root_mean_square(x, units: int, out):
            out.copy_(euclidean(x.narrow(1, 0, units)) / (float(units) * x.size(2)) ** 0.5)

        def norm(x, out):
            out.copy_(euclidean(x))

        def update_ratio(after, before, out):
            size = euclidean(before)
            before.sub_(after)
            out.copy_(euclidean(before) / size)

        def share_below(x, units: int, limit: float, out):
            x.abs_().lt_(limit)
            out.copy_(torch.mean(torch.mean(x.narrow(1, 0, units), [2]), [1]))

        def share_zero(x, units: int, out):
            part = x.narrow(1, 0, units)
            out.copy_(torch.mean(torch.where(part > 0, torch.zeros_like(part), part + 1), [1, 2]))

        def logistic_backward(dy, y):
            torch.sigmoid_backward(dy, y, grad_input=dy)

        def tanh_backward(dy, y):
            torch.tanh_backward(dy, y, grad_input=dy)

        def relu_backward(dy, y):
            torch.threshold_backward(dy, y, 0, grad_input=dy)

        def leaky_relu_backward(dy, y, alpha: float):
            torch.leaky_relu_backward(dy, y, alpha, True, grad_input=dy)

        def elu(z, alpha: float, scale: float):
            torch.elu_(z, alpha, scale)

        def elu_backward(dy, y, alpha: float, scale: float):
            torch.elu_backward(dy, alpha, scale, 1, True, y, grad_input=dy)

        def gelu(z):
            torch.gelu_(z)

        def gelu_backward(dy, z):
            torch.gelu_backward(dy, z, grad_input=dy)

        def silu(z):
            torch.silu_(z)

        def silu_backward(dy, z):
            torch.silu_backward(dy, z, grad_input=dy)

        def mish(z):
            torch.mish_(z)

        def mish_backward(dy, z):
            dy.copy_(torch.mish_backward(dy, z))

        def softplus(z):
            torch.softplus(z, 1, 20, out=z)

        def softplus_backward(dy, z):
            torch.softplus_backward(dy, z, 1, 20, grad_input=dy)

        def rrelu(z, u, lower: float, range: float, slopes):
            slopes.copy_(torch.where(z > 0, torch.ones_like(u), u * range + lower))
            z.mul_(slopes)

        def rrelu_mean(z, mean: float, slopes):
            slopes.fill_(mean).masked_fill_(z > 0, 1.0)
            z.mul_(slopes)

        def prelu(z, alpha):
            z.copy_(torch._prelu_kernel(z, alpha))

        def prelu_backward(dy, z, alpha, dalpha):
            dz, da = torch._prelu_kernel_backward(dy, z, alpha)
            dy.copy_(dz)
            torch.sum(da, [1, 2], True, out=dalpha)

        """));

    /// <param name="arguments">Tensors, arrays of tensors, ints, and Scalars that the caller keeps alive.</param>
    public static void Run(string kernel, params object[] arguments)
    {
        foreach (var argument in arguments)
        {
            // TorchSharp converts such a number to a Scalar and passes its address on, but the collector may free it before it is read.
            if (argument is double or float or long)
                throw new ArgumentException($"{kernel}: {argument} must be an int or a Scalar that is kept.", nameof(arguments));
        }
        Unit.Value.invoke(kernel, arguments);
        GC.KeepAlive(arguments);
    }
}
