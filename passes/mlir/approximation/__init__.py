"""The parts of `math-polynomial-approximation`: how code is written, and functions in f32 and in f64."""
