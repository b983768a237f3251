// One channel of a residual block in train mode: factors on its last convolution's weights and on
// the scale of its batch norm, and how far they leave the block from the identity.

function knobFigure(data) {
  const names = ["the weights", "batch norm's scale"];
  const factors = [1, 1];
  const [inputs, sums] = [0, 1].map((k) => data.values.map((pair) => pair[k]));
  const middle = mean(sums), variance = mean(sums.map((each) => (each - middle) ** 2));

  // Batch norm divides by the standard deviation of what it gets, weights' factor included.
  const outputs = ([weights, scale]) => inputs.map((x, k) => {
    const normed = (weights * (sums[k] - middle)) / Math.sqrt(weights ** 2 * variance + data.epsilon);
    return Math.max(0, x + scale * normed);
  });
  const distance = (both) => Math.hypot(...outputs(both).map((y, k) => y - inputs[k])) / Math.hypot(...inputs);

  function scatter(width, height) {
    const top = 1.05 * Math.max(...inputs, ...outputs([1, 1]));
    const whole = Array.from({ length: Math.floor(top) + 1 }, (_, k) => [k, k]);
    const axes = chart({
      width, height, x: [-0.1, top], y: [-0.1, top], xTicks: whole, yTicks: whole,
      xLabel: "what goes in", title: "What comes out",
    });
    axes.line([[0, 0], [top, top]], "chance");
    outputs(factors).forEach((y, k) => axes.mark([inputs[k], y], "circle", "residual", 3));
    return axes.svg;
  }

  function curves(width, height) {
    const top = 1.15 * distance([1, 1]);
    const axes = chart({
      width, height, x: [-0.03, 1.03], y: [0, top], yTicks: [0, 0.2, 0.4, 0.6, 0.8, 1].filter((each) => each < top).map((each) => [each, each]),
      xTicks: [0, 0.25, 0.5, 0.75, 1].map((each) => [each, each]), xLabel: "factor", title: "Distance from the identity",
    });
    [["plain", "square"], ["residual", "circle"]].forEach(([arm, shape], k) => {
      const alone = (factor) => factors.map((each, other) => (other === k ? factor : each));
      axes.line(data.factors.map((factor) => [factor, distance(alone(factor))]), arm);
      axes.mark([factors[k], distance(factors)], shape, arm, 6);
      axes.words([k ? 0.98 : 0.02, k ? 0.07 * top : 1.06 * distance([1, 1])], names[k], arm, k ? "end" : "start");
    });
    return axes.svg;
  }

  return {
    controls: (draw) => names.map((name, k) => slider(
      `Factor on ${name}`, data.factors.map(String), data.factors.length - 1, (step) => { factors[k] = data.factors[step]; draw(); })),
    panels: [scatter, curves],
    say: () => `The weights times ${factors[0]}, batch norm's scale times ${factors[1]}: the distance from the identity is ${distance(factors).toFixed(3)}.`,
  };
}
