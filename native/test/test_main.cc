// Runs every test whose name contains the first argument.
#include <chrono>
#include <cstring>

#include "test/check.h"

int main(int argc, char** argv) {
  // Whatever aborts is then the test named last.
  setvbuf(stdout, nullptr, _IOLBF, 0);
  int ran = 0;
  for (const kv::test::Test& test : kv::test::Tests()) {
    if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
    std::printf("%s ...\n", test.name);
    const auto begin = std::chrono::steady_clock::now();
    test.run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%s ok (%.2f s)\n", test.name, took.count());
    ++ran;
  }
  std::printf("%d tests ok\n", ran);
  return ran > 0 ? 0 : 1;
}
