"""One trial of samples/command.yaml: a small network that tells two moons apart, in Python without any package.

It reads one JSON object from its standard input and prints one JSON object for each epoch; docs/command-trainers.md says which.
"""
import json
import math
import os
import random
import sys


def moons(count, noise, draws):
    """Points on two half circles that reach into each other: (x, y), 0 or 1."""
    points = []
    for i in range(count):
        label, angle = i % 2, draws.random() * math.pi
        x, y = (math.cos(angle), math.sin(angle)) if label == 0 else (1 - math.cos(angle), 0.5 - math.sin(angle))
        points.append(((x + draws.gauss(0, noise), y + draws.gauss(0, noise)), label))
    return points


def forward(weights, point):
    """The hidden units' values, and the probability of class 1."""
    hidden = [math.tanh(a * point[0] + b * point[1] + c) for a, b, c, _ in weights["hidden"]]
    score = weights["bias"] + sum(unit[3] * value for unit, value in zip(weights["hidden"], hidden))
    return hidden, 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def learn(weights, point, label, rate):
    """One step of gradient descent; returns the loss before it."""
    hidden, chance = forward(weights, point)
    error = chance - label
    for unit, value in zip(weights["hidden"], hidden):
        slope = error * unit[3] * (1 - value * value)
        unit[3] -= rate * error * value
        unit[0] -= rate * slope * point[0]
        unit[1] -= rate * slope * point[1]
        unit[2] -= rate * slope
    weights["bias"] -= rate * error
    return -math.log(max(1e-12, chance if label == 1 else 1 - chance))


def judge(weights, points):
    """Mean loss and accuracy."""
    chances = [(forward(weights, point)[1], label) for point, label in points]
    loss = -sum(math.log(max(1e-12, chance if label == 1 else 1 - chance)) for chance, label in chances) / len(chances)
    return loss, sum((chance > 0.5) == (label == 1) for chance, label in chances) / len(chances)


def main():
    trial = json.loads(sys.stdin.readline())
    settings = trial["configuration"]

    # The replicate decides everything random, so that replicate r of two cells has the same data.
    draws = random.Random(trial["replicate"])
    train, validation, test = (moons(count, settings["noise"], draws) for count in (400, 200, 200))
    weights = {"hidden": [[draws.gauss(0, 1) for _ in range(4)] for _ in range(settings["units"])], "bias": 0.0}

    # Go on from the last checkpoint, and print its epoch again.
    checkpoint = os.path.join(trial["checkpointFolder"], "state.json")
    line = None
    if os.path.exists(checkpoint):
        with open(checkpoint, encoding="utf-8") as file:
            line, weights = json.load(file)
        print(json.dumps(line), flush=True)

    for epoch in range(line["epoch"] + 1 if line else 1, trial["epochs"] + 1):
        order = random.Random(f"{trial['replicate']} {epoch}").sample(train, len(train))
        loss = sum(learn(weights, point, label, settings["learningRate"]) for point, label in order) / len(order)
        line = {"epoch": epoch, "trainLoss": loss}
        line["validationLoss"], line["validationAccuracy"] = judge(weights, validation)
        if epoch == trial["epochs"]:
            line["testLoss"], line["testAccuracy"] = judge(weights, test)

        # The checkpoint first, as a whole, and only then the line.
        with open(checkpoint + ".new", "w", encoding="utf-8") as file:
            json.dump([line, weights], file)
        os.replace(checkpoint + ".new", checkpoint)
        print(json.dumps(line), flush=True)


main()
