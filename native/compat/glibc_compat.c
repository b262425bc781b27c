// Three C symbols that glibc below 2.38 lacks and the uWebSockets.js binary asks for.
//
// On glibc 2.38 and newer this file is an empty addon: newer headers may redirect strtol to
// __isoc23_strtol itself, and a forwarder would call itself. src/http/uwebsockets.ts loads it.
#include <stdlib.h>

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 38)
#include <stdarg.h>
#include <stdio.h>

long __isoc23_strtol(const char* text, char** end, int base) { return strtol(text, end, base); }

unsigned long __isoc23_strtoul(const char* text, char** end, int base) {
  return strtoul(text, end, base);
}

int __isoc23_sscanf(const char* text, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int matched = vsscanf(text, format, arguments);
  va_end(arguments);
  return matched;
}
#endif

// The Node-API entry point, with nothing to export. Declared by hand so that no header is needed.
__attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  (void)env;
  return exports;
}
