// The Mandelbrot set, drawn by processes that fill one array in place. Each takes the next row that
// nobody has begun; an event stops them all early: after Ctrl-C, or so many rows.
#include <CLI/CLI.hpp>
#include <brood/brood.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "picture.hpp"

namespace {

struct Order {
  View view;
  uint32_t stop_after;
};

// What host and workers share. Handles travel in a message, in this order.
struct Canvas {
  brood::Shared<Pixel> pixels;
  brood::Shared<uint8_t> finished;  // one for each row
  brood::Shared<uint32_t> rows;     // how many were begun, and how many are finished
  brood::Event stop;

  explicit Canvas(const View& view) : pixels(view.pixels()), finished(view.height), rows(2) {}
  explicit Canvas(brood::Task& task)
      : pixels(task.take<brood::Shared<Pixel>>(0)),
        finished(task.take<brood::Shared<uint8_t>>(1)),
        rows(task.take<brood::Shared<uint32_t>>(2)),
        stop(task.take<brood::Event>(3)) {}

  void attach_to(brood::Message& message) {
    message.attach(pixels);
    message.attach(finished);
    message.attach(rows);
    message.attach(stop);
  }
  void fill(const Order& order, uint32_t row) {
    const View& view = order.view;
    fill_row(view, row, pixels.span().subspan(size_t{row} * view.width, view.width));
    finished.atomic(row) = 1;
    if (++rows.atomic(1) == order.stop_after) stop.set();
  }
};

// snippet: draw
const auto draw = brood::bytes_function("draw", [](brood::Task& task) {
  Order order;
  std::memcpy(&order, task.bytes().data(), sizeof order);
  Canvas canvas(task);
  while (!canvas.stop.is_set()) {
    const uint32_t row = canvas.rows.atomic(0)++;
    if (row >= order.view.height) break;
    canvas.fill(order, row);
  }
});
// snippet end

brood::Cancel* interrupt = nullptr;
extern "C" void on_interrupt(int) { interrupt->fire(); }

void stop_waits_on_interrupt() {
  static brood::Cancel token;
  interrupt = &token;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void draw_with_processes(const Order& order, unsigned workers, Canvas& canvas) {
  std::vector<brood::Process> processes;
  for (unsigned i = 0; i < workers; ++i) {
    brood::Message message(std::as_bytes(std::span(&order, 1)));
    canvas.attach_to(message);
    processes.push_back(brood::Process::start_message({}, "draw", std::move(message)));
  }
  for (brood::Process& process : processes) {
    brood_handle* const either[] = {interrupt->handle(), process.handle()};
    if (*brood::wait(either) == 0) canvas.stop.set();  // each finishes the row it is in
    process.join();
  }
  // A process that was killed leaves a row undone; without processes it is all of them.
  for (uint32_t row = 0; row < order.view.height; ++row) {
    if (interrupt->fired()) canvas.stop.set();
    if (canvas.stop.is_set()) break;
    if (!canvas.finished[row]) canvas.fill(order, row);
  }
}

int run(const Order& order, unsigned workers, const std::string& path) {
  const auto start = std::chrono::steady_clock::now();
  Canvas canvas(order.view);
  stop_waits_on_interrupt();
  draw_with_processes(order, workers, canvas);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  write_png(path, order.view, canvas.pixels.view());
  const auto rows = std::count(canvas.finished.begin(), canvas.finished.end(), 1);
  std::printf("%s: %td of %u rows with %u processes in %.2f s%s\n", path.c_str(), rows,
              order.view.height, workers, took.count(), canvas.stop.is_set() ? ", stopped" : "");
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  brood::init(argc, argv);
  Order order{{}, 0};
  View& view = order.view;
  unsigned workers = brood::cpu_count();
  std::string path = "mandelbrot.png";
  CLI::App app("Draws a part of the Mandelbrot set with many processes, into a PNG file.");
  app.add_option("file", path, "what to write")->capture_default_str();
  app.add_option("--workers", workers, "0: this process alone")->capture_default_str();
  app.add_option("--stop-after", order.stop_after, "rows; 0: all")->capture_default_str();
  app.add_option("--width", view.width, "pixels")->check(CLI::Range(1, 20000));
  app.add_option("--height", view.height, "pixels")->check(CLI::Range(1, 20000));
  app.add_option("--iterations", view.iterations, "then a point counts as inside");
  app.add_option("--x", view.x, "centre")->capture_default_str();
  app.add_option("--y", view.y, "centre")->capture_default_str();
  app.add_option("--span", view.span, "from left to right")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(order, workers, path);
} catch (const std::exception& error) {
  std::fprintf(stderr, "mandelbrot: %s\n", error.what());
  return 1;
}
