"""Graphs at random, right ones and wrong ones: what check tells of them, a run has to bear out."""

from random import Random

from foretold import PICTURE

from nodegraph import Graph


class Maker:
    """Makes graphs at random, right ones and wrong ones, of denoisers that cost nothing."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.graph = Graph()
        self.count = 0

    def add(self, kind, *links, **inputs) -> str:
        self.count += 1
        name = f"n{self.count}"
        self.graph = self.graph.add(name, kind, **inputs)
        for source, target in links:
            self.graph = self.graph.connect(f"{source} -> {name}.{target}")
        return name

    def side(self) -> int:
        return self.random.choice([8, 8, 8, 8, 12])

    def mostly(self, usual, *others):
        return self.random.choice([usual] * 4 + list(others))

    def picture(self) -> str:
        kind = self.random.randrange(4)
        if kind == 0:
            start = self.noise()
            gaussian = self.add("ExactGaussian")
            return (
                self.add("IterativeSampler", (f"{gaussian}.denoiser", "denoiser"), (start, "start"), steps=2) + ".image"
            )
        image = self.add("LoadImage", path=PICTURE, size=self.side(), color=self.mostly("grey", "RGB")) + ".image"
        if kind == 1:
            return self.add("Transform", (image, "image"), view="rotate_90") + ".image"
        if kind == 2:
            return self.add("Resize", (image, "image"), width=self.side()) + ".image"
        return image

    def noise(self) -> str:
        return (
            self.add(
                "PureNoise",
                size=self.side(),
                batch=self.mostly(1, 2, 3),
                channels=self.mostly(1, 3),
                seed=self.random.randrange(99),
            )
            + ".noisy"
        )

    def mask(self) -> str:
        return self.add("RectangleMask", size=self.side(), width=4) + ".mask"

    def denoiser(self, depth: int) -> str:
        make = self.random.choice(self.LEAVES if depth == 0 else self.COMPOSITIONS)
        return make(self, depth - 1) + ".denoiser"

    def gaussian(self, depth):
        links = [(self.picture(), "mean")] if self.random.random() < 0.4 else []
        return self.add("ExactGaussian", *links, schedule=self.mostly("linear", "cosine"), sigma=0.5)

    def guidance(self, depth):
        return self.add(
            "CFGCombine",
            (self.denoiser(depth), "conditional"),
            (self.denoiser(depth), "unconditional"),
            scale=self.mostly(2.0, 1.0),
        )

    def rescaling(self, depth):
        return self.add(
            "CFGRescale",
            (self.denoiser(depth), "guided"),
            (self.denoiser(depth), "conditional"),
            share=self.mostly(0.5, 0.0),
        )

    def interval(self, depth):
        first, last = self.random.choice([(999, 0), (600, 0), (10, 20), (400, 300)])
        return self.add(
            "When", (self.denoiser(depth), "inside"), (self.denoiser(depth), "outside"), first=first, last=last
        )

    def parts(self, depth, name="parts"):
        return [(self.denoiser(depth), f"{name}[{index}]") for index in range(self.mostly(2, 1, 3))]

    def weighted(self, depth):
        base = [(self.denoiser(depth), "base")] if self.random.random() < 0.5 else []
        return self.add(
            "WeightedSum",
            *self.parts(depth),
            *base,
            weights=self.random.choice([[0.5, 0.5], [0.5, 0.5], [1.0], [1.0, 1.0]]),
        )

    def perp_neg(self, depth):
        return self.add(
            "PerpNeg",
            (self.denoiser(depth), "positive"),
            (self.denoiser(depth), "unconditional"),
            *self.parts(depth, "negatives"),
            weights=self.random.choice([[], [1.0, 0.0], [1.0]]),
        )

    def views(self, depth):
        return self.add(
            "MultiView",
            *self.parts(depth),
            views=["identity", "rotate_90"],
            reduction=self.mostly("mean", "alternate", "alternate"),
        )

    def flips(self, depth):
        return self.add("FlipAverage", (self.denoiser(depth), "upright"), (self.denoiser(depth), "flipped"))

    def region(self, depth):
        return self.add(
            "RegionBlend", (self.denoiser(depth), "inside"), (self.denoiser(depth), "outside"), (self.mask(), "mask")
        )

    def regions(self, depth):
        return self.add(
            "Regions", *self.parts(depth), *[(self.mask(), f"masks[{i}]") for i in range(self.mostly(1, 2))]
        )

    def factors(self, depth):
        return self.add(
            "Factorize",
            *self.parts(depth),
            by=self.mostly("low, high", "grey, colour", "motion, rest"),
            base=self.mostly(0, 64),
            kernel=self.mostly(3, 4, None),
        )

    def inpainting(self, depth):
        return self.add(
            "MaskBlend",
            (self.denoiser(depth), "denoiser"),
            (self.picture(), "image"),
            (self.mask(), "mask"),
            mode=self.mostly("after", "paste"),
            preset=self.mostly("none", "CS180"),
        )

    def coarse(self, depth):
        return self.add("ILVR", (self.denoiser(depth), "denoiser"), (self.picture(), "image"), factor=self.mostly(4, 3))

    def inverse(self, depth):
        return self.add(
            "HybridInverse",
            (self.denoiser(depth), "denoiser"),
            (self.picture(), "image"),
            keep=self.mostly("low", "grey"),
            kernel=3,
            base=self.mostly(0, 64),
        )

    def tiles(self, depth):
        return self.add("Tile", (self.denoiser(depth), "denoiser"), size=self.mostly(8, 4), stride=self.mostly(4, 8, 9))

    def formula(self, depth):
        mask = [(self.mask(), "mask")] if self.random.random() < 0.5 else []
        text = self.random.choice(["b + s*(a-b)", "a if t > 500 else b", "mask*a + (1-mask)*b", "a", "a + 0*c"])
        return self.add("Formula", (self.denoiser(depth), "a"), (self.denoiser(depth), "b"), *mask, formula=text)

    LEAVES = (gaussian,)
    COMPOSITIONS = (
        gaussian,
        guidance,
        rescaling,
        interval,
        weighted,
        perp_neg,
        views,
        flips,
        region,
        regions,
        factors,
        inpainting,
        coarse,
        inverse,
        tiles,
        formula,
    )

    def whole(self) -> Graph:
        denoiser = self.denoiser(self.random.choice([1, 1, 2]))
        end = self.random.randrange(6)
        if end == 0:
            picture = self.picture()
            made = self.add("DDIMInversion", (denoiser, "denoiser"), (picture, "image"), steps=2)
        elif end == 1:
            start = (
                self.add(
                    "AddNoise",
                    (self.picture(), "image"),
                    t=self.mostly(400, 0),
                    schedule=self.mostly("linear", "cosine"),
                )
                + ".noisy"
            )
            made = self.add(self.mostly("OneStepDenoise"), (denoiser, "denoiser"), (start, "noisy"))
        else:
            settings = self.random.choice(
                [
                    {},
                    {},
                    {},
                    {"method": "ddim", "eta": 0.5},
                    {"eta": 0.5},
                    {"repeats": 2, "jump": 1},
                    {"repeats": 2},
                    {"timesteps": [500, 100]},
                    {"timesteps": [100, 500]},
                    {"preset": "IF pipeline", "clip": "none"},
                    {"timesteps": [500], "end": 500},
                ]
            )
            made = self.add(
                "IterativeSampler", (denoiser, "denoiser"), (self.noise(), "start"), **{"steps": 2, **settings}
            )
        if end:
            texts = {self.mostly("headings", "captions"): self.mostly(["x"], ["x", "y"])}
            self.add("ImageGrid", (f"{made}.image", "images[0]"), **texts)
        for node in list(self.graph.nodes):
            if self.random.random() < 0.03:
                self.graph = self.graph.with_mode(node, self.random.choice(["mute", "bypass"]))
        return self.graph
