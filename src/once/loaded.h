#pragma once

#include <dlfcn.h>

namespace oncemq::once {

// A function of a shared library that SOCI's backend has loaded; null if it is not loaded. Programs
// need not link a database's library because they link ours.
template <class Function>
Function* loaded(const char* library, const char* name) {
  void* const handle = ::dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* const found = ::dlsym(handle, name);
  ::dlclose(handle);  // the backend holds it
  return reinterpret_cast<Function*>(found);
}

}  // namespace oncemq::once
