// Clocks of the index benchmark, and how its results are printed: one JSON object a line.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

namespace kv::bench {

using Clock = std::chrono::steady_clock;

inline double Nanoseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::nano>(duration).count();
}

inline double ThreadMicroseconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

inline void Print(const std::string& name, double value, const char* unit,
                  const std::string& more = "") {
  std::printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\"%s}\n", name.c_str(), value, unit,
              more.c_str());
  std::fflush(stdout);
}

inline std::string Field(const char* name, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), ",\"%s\":%.4g", name, value);
  return text;
}

struct Latencies {
  std::vector<double> microseconds;

  double At(double share) {
    const auto at = static_cast<size_t>(share * static_cast<double>(microseconds.size() - 1));
    std::nth_element(microseconds.begin(), microseconds.begin() + static_cast<ptrdiff_t>(at),
                     microseconds.end());
    return microseconds[at];
  }
  void Print(const std::string& name, const std::string& more = "") {
    bench::Print(name, At(0.5), "us", Field("p50", At(0.5)) + Field("p99", At(0.99)) + more);
  }
};

}  // namespace kv::bench
