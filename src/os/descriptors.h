#pragma once

#include <cstddef>

namespace oncemq::os {

// Lets this process open as many files and sockets as the machine's administrator allows (systems
// start programs with far fewer, for the sake of select()). Returns how many.
std::size_t raise_descriptor_limit();

}  // namespace oncemq::os
