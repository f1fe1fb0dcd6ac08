"""Makes golden.json.gz: what PyTorch computes in float64 for small networks that we must compute as well.

Run it with Debian 12's PyTorch 1.13, then commit the file it writes beside itself:

    apt-get install -y --no-install-recommends python3-torch
    /usr/bin/python3 tests/Training.Tests/Golden/make_golden.py

Start parameters and mini-batches are multiples of 1/256 and so the same numbers in float32. Results are rounded to 15 digits.
Configurations are those of a sweep file. A tensor is {shape, values}, row by row. Parameters are named layer.part, layers counted
from 1, the output layer last. A case lists its start, the first step's logits and gradients (before clipping), each step's learning
rate, loss and, where it clips, gradient norm, the parameters and running statistics after the last step and at last the logits of the
first mini-batch in evaluation mode; a case without training has that alone, at its start.
"""
import gzip
import itertools
import json
import math
import pathlib
import random
import warnings

import numpy
import torch
from torch import nn
from torch.nn import functional as F

FEATURES, HIDDEN, CLASSES, ROWS, STEPS = 6, [5, 4], 3, 8, 10
STEPS_PER_EPOCH = 2
EPOCHS = STEPS // STEPS_PER_EPOCH
RRELU = (1 / 8, 1 / 3)

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def rounded(number):
    return float(f"{float(number):.15g}")


def tensor(values):
    return {"shape": list(values.shape), "values": [rounded(v) for v in values.detach().reshape(-1).tolist()]}


def tensors(named):
    return {name: tensor(value) for name, value in named.items()}


def draws(seed):
    """Draws normals in multiples of 1/256."""
    generator = random.Random(seed)

    def draw(scale, *shape):
        return torch.tensor([round(generator.gauss(0, scale) * 256) / 256 for _ in range(math.prod(shape))]).reshape(shape)

    return draw


def slope(configuration):
    return {"leaky-relu": configuration.get("leakAlpha", 0.01), "rrelu": sum(RRELU) / 2}[configuration["activation"]]


ACTIVATIONS = {
    "logistic": lambda z, c: torch.sigmoid(z),
    "tanh": lambda z, c: torch.tanh(z),
    "relu": lambda z, c: F.relu(z),
    "leaky-relu": lambda z, c: F.leaky_relu(z, slope(c)),
    "rrelu": lambda z, c: F.leaky_relu(z, slope(c)),
    "elu": lambda z, c: F.elu(z, c.get("eluAlpha", 1.0)),
    "selu": lambda z, c: F.selu(z),
    "gelu": lambda z, c: F.gelu(z),
    "silu": lambda z, c: F.silu(z),
    "mish": lambda z, c: F.mish(z),
    "softplus": lambda z, c: F.softplus(z),
    "identity": lambda z, c: z,
}


class Network(nn.Module):
    """Dense layers with batch norm before or after each hidden activation."""

    def __init__(self, configuration, seed):
        super().__init__()
        self.configuration = configuration
        draw = draws(seed)
        sizes = [FEATURES, *HIDDEN, CLASSES]
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.norms = nn.ModuleList()
        self.slopes = nn.ParameterList()
        self.nearest = math.inf
        with torch.no_grad():
            for linear in self.linears:
                linear.weight.copy_(draw(1 / math.sqrt(linear.in_features), *linear.weight.shape))
                linear.bias.copy_(draw(0.1, *linear.bias.shape))
            if configuration.get("batchNorm"):
                for units in HIDDEN:
                    norm = nn.BatchNorm1d(
                        units, eps=configuration.get("batchNormEpsilon", 1e-5), momentum=configuration.get("batchNormMomentum", 0.1))
                    norm.weight.copy_(1 + draw(0.2, units))
                    norm.bias.copy_(draw(0.2, units))
                    self.norms.append(norm)
            if configuration["activation"] == "prelu":
                for _ in HIDDEN:
                    self.slopes.append(nn.Parameter(torch.tensor([configuration.get("preluAlpha", 0.25)])))

    def activate(self, layer, z):
        if self.configuration["activation"] in ("relu", "leaky-relu", "prelu", "rrelu", "elu", "selu"):
            self.nearest = min(self.nearest, z.detach().abs().min().item())
        if self.slopes:
            return F.prelu(z, self.slopes[layer])
        return ACTIVATIONS[self.configuration["activation"]](z, self.configuration)

    def forward(self, x):
        after = self.configuration.get("batchNormPlacement") == "after"
        for layer in range(len(HIDDEN)):
            x = self.linears[layer](x)
            if self.norms and not after:
                x = self.norms[layer](x)
            x = self.activate(layer, x)
            if self.norms and after:
                x = self.norms[layer](x)
        return self.linears[-1](x)

    def learned(self):
        named = {}
        for number, linear in enumerate(self.linears, 1):
            named[f"{number}.weight"], named[f"{number}.bias"] = linear.weight, linear.bias
        for number, norm in enumerate(self.norms, 1):
            named[f"{number}.scale"], named[f"{number}.shift"] = norm.weight, norm.bias
        for number, alpha in enumerate(self.slopes, 1):
            named[f"{number}.alpha"] = alpha
        return named

    def statistics(self):
        named = {}
        for number, norm in enumerate(self.norms, 1):
            named[f"{number}.mean"], named[f"{number}.variance"] = norm.running_mean, norm.running_var
        return named


def optimizer(configuration, network):
    """Weights decay; biases, batch norm and PReLU's alpha do not."""
    rate, decay = configuration["learningRate"], configuration.get("weightDecay", 0.0)
    weights = [linear.weight for linear in network.linears]
    others = [value for name, value in network.learned().items() if not name.endswith(".weight")]
    groups = [{"params": weights, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
    epsilon = configuration.get("optimizerEpsilon", 1e-8)
    betas = (configuration.get("beta1", 0.9), configuration.get("beta2", 0.999))
    momentum = configuration.get("momentum", 0.0)
    return {
        "sgd": lambda: torch.optim.SGD(groups, rate, momentum=momentum, nesterov=configuration.get("nesterov", False)),
        "rmsprop": lambda: torch.optim.RMSprop(
            groups, rate, alpha=configuration.get("rmspropDecay", 0.99), eps=epsilon, momentum=momentum),
        "adam": lambda: torch.optim.Adam(groups, rate, betas=betas, eps=epsilon),
        "adamw": lambda: torch.optim.AdamW(groups, rate, betas=betas, eps=epsilon),
    }[configuration.get("optimizer", "sgd")]()


def rates(configuration, steps_per_epoch):
    """The learning rate of each step, by PyTorch's schedulers."""
    scheduler = torch.optim.lr_scheduler
    steps = configuration["epochs"] * steps_per_epoch
    kind, gamma = configuration.get("schedule", "constant"), configuration.get("scheduleGamma", 0.9)

    def walk(rate, make, every=1):
        dummy = torch.optim.SGD([nn.Parameter(torch.zeros(1))], rate)
        schedule = make(dummy)
        for step in range(steps):
            yield dummy.param_groups[0]["lr"]
            dummy.step()
            if (step + 1) % every == 0 and step + 1 < steps:
                schedule.step()

    peak = configuration["learningRate"]
    planned = list({
        "constant": lambda: walk(peak, lambda o: scheduler.ConstantLR(o, 1)),
        "step": lambda: walk(peak, lambda o: scheduler.StepLR(o, configuration.get("scheduleEpochs", 10), gamma), steps_per_epoch),
        "exponential": lambda: walk(peak, lambda o: scheduler.ExponentialLR(o, gamma), steps_per_epoch),
        "cosine": lambda: walk(peak, lambda o: scheduler.CosineAnnealingLR(o, steps)),
        "one-cycle": lambda: walk(peak, lambda o: scheduler.OneCycleLR(o, peak, total_steps=steps, cycle_momentum=False)),
    }[kind]())
    warmup = math.floor(configuration.get("warmupEpochs", 0) * steps_per_epoch + 0.5)
    if warmup > 1:
        rising = walk(1.0, lambda o: scheduler.LinearLR(o, 1 / warmup, 1.0, warmup - 1))
        planned = [rate * factor for rate, factor in zip(planned, rising)]
    return planned


def batches(seed, count):
    draw, generator = draws(seed), random.Random(seed)
    return [(draw(1, ROWS, FEATURES), torch.tensor([generator.randrange(CLASSES) for _ in range(ROWS)])) for _ in range(count)]


def case(name, data, seed, training=True, **values):
    configuration = {"hidden": HIDDEN, "batchSize": ROWS, "epochs": EPOCHS, "learningRate": 0.05, "activation": "tanh", **values}
    network = Network(configuration, seed)
    result = {
        "name": name,
        "configuration": configuration,
        "start": tensors({**network.learned(), **network.statistics()}),
    }
    if training:
        planned = rates(configuration, STEPS_PER_EPOCH)
        update = optimizer(configuration, network)
        network.train()
        losses = []
        for step, (x, labels) in enumerate(data):
            update.zero_grad()
            logits = network(x)
            loss = F.cross_entropy(logits, labels, label_smoothing=configuration.get("labelSmoothing", 0.0))
            loss.backward()
            losses.append(rounded(loss.item()))
            if step == 0:
                result["logits"] = tensor(logits)
                result["gradients"] = tensors({key: value.grad for key, value in network.learned().items()})
            if configuration.get("gradientClip", 0) > 0:
                norm = nn.utils.clip_grad_norm_(list(network.learned().values()), configuration["gradientClip"])
                result.setdefault("norms", []).append(rounded(norm))
            for group in update.param_groups:
                group["lr"] = planned[step]
            update.step()
        result["rates"] = [rounded(rate) for rate in planned]
        result["losses"] = losses
        result["end"] = tensors({**network.learned(), **network.statistics()})
    network.eval()
    with torch.no_grad():
        result["evaluation"] = tensor(network(data[0][0]))
    return result, network.nearest


def cases():
    data = batches(1, STEPS)
    made = []

    def add(name, **values):
        """Takes the first seed that keeps pre-activations off a kink, where float32 might fall on its other side."""
        results = (case(name, data, f"{name} {attempt}", **values) for attempt in itertools.count())
        made.append(next(result for result, nearest in results if nearest > 1e-4))

    norms = {
        "": {},
        "-norm-before": {"batchNorm": True, "batchNormPlacement": "before"},
        "-norm-after": {"batchNorm": True, "batchNormPlacement": "after"},
    }
    kinds = {name: {"activation": name} for name in ("logistic", "tanh", "relu", "selu", "gelu", "silu", "mish", "softplus", "identity")}
    kinds["leaky-relu"] = {"activation": "leaky-relu", "leakAlpha": 0.2}
    kinds["prelu"] = {"activation": "prelu", "preluAlpha": 0.25}
    kinds["elu"] = {"activation": "elu"}
    kinds["elu-1.5"] = {"activation": "elu", "eluAlpha": 1.5}
    for kind, values in kinds.items():
        for suffix, norm in norms.items():
            add(kind + suffix, momentum=0.9, **values, **norm)
    for suffix, norm in norms.items():
        add("rrelu-evaluation" + suffix, training=False, activation="rrelu", **norm)
    add("norm-momentum", batchNorm=True, batchNormPlacement="before", batchNormMomentum=0.3)
    add("norm-momentum-1", batchNorm=True, batchNormPlacement="after", batchNormMomentum=1.0)
    add("norm-epsilon", batchNorm=True, batchNormPlacement="before", batchNormEpsilon=0.01)

    optimizers = {
        "sgd": {},
        "momentum": {"momentum": 0.8},
        "nesterov": {"momentum": 0.8, "nesterov": True},
        "rmsprop": {"optimizer": "rmsprop", "learningRate": 0.01},
        "rmsprop-momentum": {"optimizer": "rmsprop", "learningRate": 0.01, "momentum": 0.7, "rmspropDecay": 0.9, "optimizerEpsilon": 1e-4},
        "adam": {"optimizer": "adam", "learningRate": 0.01},
        "adam-betas": {"optimizer": "adam", "learningRate": 0.01, "beta1": 0.8, "beta2": 0.95, "optimizerEpsilon": 1e-4},
        "adamw": {"optimizer": "adamw", "learningRate": 0.01},
        "adamw-betas": {"optimizer": "adamw", "learningRate": 0.01, "beta1": 0.8, "beta2": 0.95, "optimizerEpsilon": 1e-4},
    }
    for kind, values in optimizers.items():
        add(kind, **values)
        add(kind + "-decay", weightDecay=0.1, **values)
    decayed = {"batchNorm": True, "batchNormPlacement": "after", "activation": "prelu", "weightDecay": 0.1}
    for kind in ("nesterov", "rmsprop", "adam", "adamw"):
        add(kind + "-decay-spares-norm-and-alpha", **decayed, **optimizers[kind])

    schedules = {
        "constant": {},
        "step": {"schedule": "step", "scheduleEpochs": 2, "scheduleGamma": 0.5},
        "exponential": {"schedule": "exponential", "scheduleGamma": 0.8},
        "cosine": {"schedule": "cosine"},
        "one-cycle": {"schedule": "one-cycle"},
    }
    for kind, values in schedules.items():
        if values:
            add("schedule-" + kind, momentum=0.9, **values)
        add(f"schedule-{kind}-warm-up", warmupEpochs=1.5, **values)
        add(f"schedule-{kind}-adam", optimizer="adam", weightDecay=0.01, **values)

    add("clip-always", gradientClip=0.05, momentum=0.9)
    add("clip-sometimes", gradientClip=0.4, activation="relu")
    add("clip-never", gradientClip=100.0)
    add("clip-decay-adam", gradientClip=0.1, optimizer="adam", weightDecay=0.1)
    add("smoothing", labelSmoothing=0.1)
    add("smoothing-much", labelSmoothing=0.9, activation="elu", momentum=0.9)
    add("mixture-1", activation="gelu", optimizer="adamw", weightDecay=0.05, schedule="one-cycle", gradientClip=0.5, labelSmoothing=0.1)
    add("mixture-2", activation="prelu", batchNorm=True, batchNormPlacement="after", momentum=0.9, nesterov=True, weightDecay=0.01,
        schedule="cosine", warmupEpochs=1.0, gradientClip=0.3, labelSmoothing=0.05)
    add("mixture-3", activation="mish", batchNorm=True, batchNormPlacement="before", batchNormMomentum=0.2, momentum=0.5,
        schedule="step", scheduleEpochs=1, scheduleGamma=0.7, weightDecay=0.02, labelSmoothing=0.2)
    add("mixture-4", activation="leaky-relu", leakAlpha=0.1, optimizer="rmsprop", learningRate=0.01, momentum=0.5, weightDecay=0.03,
        schedule="exponential", scheduleGamma=0.9, gradientClip=1.0)
    return {"batches": [{"x": tensor(x), "labels": labels.tolist()} for x, labels in data], "cases": made}


def functions():
    """Each activation and its derivative, on numbers that float32 has as well."""
    grid = [round((-6 + 0.3 * i) * 64) / 64 for i in range(41)] + [2.0 ** -40, -(2.0 ** -40), 30.0, -30.0]
    made = []

    def add(name, configuration, function):
        z = torch.tensor(grid, requires_grad=True)
        f = function(z)
        derivative, = torch.autograd.grad(f.sum(), z)
        made.append({"name": name, "configuration": configuration,
                     "input": tensor(z), "output": tensor(f), "derivative": tensor(derivative)})

    for name in ("logistic", "tanh", "relu", "selu", "gelu", "silu", "mish", "softplus", "identity"):
        add(name, {"activation": name}, lambda z: ACTIVATIONS[name](z, {}))
    for alpha in (0.01, 0.2):
        add(f"leaky-relu {alpha}", {"activation": "leaky-relu", "leakAlpha": alpha}, lambda z: F.leaky_relu(z, alpha))
    for alpha in (0.25, 0.0):
        add(f"prelu {alpha}", {"activation": "prelu", "preluAlpha": alpha}, lambda z: F.prelu(z, torch.tensor([alpha])))
    for alpha in (1.0, 1.5, 0.3):
        add(f"elu {alpha}", {"activation": "elu", "eluAlpha": alpha}, lambda z: F.elu(z, alpha))
    add("rrelu in evaluation", {"activation": "rrelu"}, lambda z: F.rrelu(z, *RRELU, training=False))
    return made


def gains():
    """calculate_gain's where it has the activation, but 1 for SELU; elsewhere 1 / sqrt(E f(z)^2) by Gauss-Legendre quadrature."""
    points, weights = numpy.polynomial.legendre.leggauss(200)

    def second_moment(function):
        total = 0.0
        for low, high in ((-14, -7), (-7, 0), (0, 7), (7, 14)):
            z = torch.tensor((high - low) / 2 * points + (high + low) / 2)
            density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
            total += ((high - low) / 2 * torch.tensor(weights) * density * function(z) ** 2).sum().item()
        return total

    def add(configuration, gain):
        made.append({"configuration": configuration, "gain": rounded(gain)})

    made = []
    known = {"logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "linear"}
    for name, theirs in known.items():
        add({"activation": name}, nn.init.calculate_gain(theirs))
    for alpha in (0.0, 0.01, 0.2, 1.0):
        add({"activation": "leaky-relu", "leakAlpha": alpha}, nn.init.calculate_gain("leaky_relu", alpha))
        add({"activation": "prelu", "preluAlpha": alpha}, nn.init.calculate_gain("leaky_relu", alpha))
    low, high = RRELU
    nodes, shares = numpy.polynomial.legendre.leggauss(5)
    slopes = (high - low) / 2 * nodes + (high + low) / 2
    add({"activation": "rrelu"}, math.sqrt(2 / (1 + float((shares / 2 * slopes ** 2).sum()))))
    add({"activation": "selu"}, 1.0)
    for alpha in (1.0, 1.5, 0.3, 10.0):
        add({"activation": "elu", "eluAlpha": alpha}, 1 / math.sqrt(second_moment(lambda z: F.elu(z, alpha))))
    for name in ("gelu", "silu", "mish", "softplus"):
        add({"activation": name}, 1 / math.sqrt(second_moment(lambda z: ACTIVATIONS[name](z, {}))))
    return made


def schedules():
    made = []
    for epochs, steps_per_epoch in ((6, 7), (12, 1), (1, 1), (1, 2), (3, 1), (2, 2), (2, 5)):
        for values in (
            {},
            {"schedule": "step", "scheduleEpochs": 1},
            {"schedule": "step", "scheduleEpochs": 4, "scheduleGamma": 0.1},
            {"schedule": "exponential", "scheduleGamma": 0.7},
            {"schedule": "cosine"},
            {"schedule": "one-cycle"},
        ):
            for warmup in (0, 0.5, 1, 2.25):
                configuration = {"epochs": epochs, "learningRate": 0.3, "warmupEpochs": warmup, **values}
                made.append({"configuration": configuration, "stepsPerEpoch": steps_per_epoch,
                             "rates": [rounded(rate) for rate in rates(configuration, steps_per_epoch)]})
    return made


def main():
    warnings.simplefilter("error")
    golden = {**cases(), "functions": functions(), "gains": gains(), "schedules": schedules()}
    text = json.dumps(golden, separators=(",", ":"), allow_nan=False)
    path = pathlib.Path(__file__).with_name("golden.json.gz")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{path}: {len(golden['cases'])} cases, {len(golden['functions'])} functions, {len(golden['gains'])} gains, "
          f"{len(golden['schedules'])} schedules; {len(text)} characters, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
