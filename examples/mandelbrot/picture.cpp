#include "picture.hpp"

#include <png.h>

#include <cmath>
#include <stdexcept>

namespace {

constexpr int kSamples = 2;           // in each direction of a pixel
constexpr double kFarAway = 1 << 16;  // squared: far enough out for a smooth gradient

struct Colour {
  double red = 0, green = 0, blue = 0;
};

// How long the point takes to leave, without steps between neighbours; negative: it stays.
double escape_time(double x, double y, uint32_t most) {
  double a = 0;
  double b = 0;
  for (uint32_t i = 0; i < most; ++i) {
    const double next = a * a - b * b + x;
    b = 2 * a * b + y;
    a = next;
    const double distance = a * a + b * b;
    if (distance > kFarAway) return i + 1 - std::log2(std::log2(distance) / 2);
  }
  return -1;
}

// Waves of three lengths, from deep blue over white to amber; black inside the set.
Colour colour_of(double time) {
  if (time < 0) return {};
  const double phase = 0.35 * std::sqrt(time);
  const auto wave = [&](double shift) { return 0.5 - 0.5 * std::cos(2 * (phase + shift)); };
  return {wave(0.0), wave(0.25), wave(0.6)};
}

uint8_t to_byte(double brightness) { return static_cast<uint8_t>(brightness * 255 + 0.5); }

}  // namespace

void fill_row(const View& view, uint32_t row, std::span<Pixel> out) {
  const double step = view.span / view.width / kSamples;
  const double left = view.x - view.span / 2;
  const double top = view.y + step * kSamples * view.height / 2;
  for (uint32_t column = 0; column < view.width; ++column) {
    Colour sum;
    for (int i = 0; i < kSamples * kSamples; ++i) {
      const double x = left + step * (column * kSamples + i % kSamples + 0.5);
      const double y = top - step * (row * kSamples + i / kSamples + 0.5);
      const Colour sample = colour_of(escape_time(x, y, view.iterations));
      sum.red += sample.red;
      sum.green += sample.green;
      sum.blue += sample.blue;
    }
    constexpr double kShare = 1.0 / (kSamples * kSamples);
    out[column] = {to_byte(sum.red * kShare), to_byte(sum.green * kShare),
                   to_byte(sum.blue * kShare)};
  }
}

void write_png(const std::string& path, const View& view, std::span<const Pixel> pixels) {
  static_assert(sizeof(Pixel) == 3, "libpng reads them where they are");
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = view.width;
  image.height = view.height;
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(path + ": " + image.message);
  }
}
