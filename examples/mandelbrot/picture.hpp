// A part of the Mandelbrot set as rows of pixels, and a file of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>

struct Pixel {
  uint8_t red, green, blue;
};

struct View {
  uint32_t width = 1200;
  uint32_t height = 800;
  uint32_t iterations = 1500;
  double x = -0.74364;  // the centre
  double y = 0.13183;
  double span = 0.0009;  // from the left edge to the right one

  size_t pixels() const { return size_t{width} * height; }
};

// Fills one row; each pixel depends on its place alone.
void fill_row(const View& view, uint32_t row, std::span<Pixel> out);

// Throws std::runtime_error when the file cannot be written.
void write_png(const std::string& path, const View& view, std::span<const Pixel> pixels);
