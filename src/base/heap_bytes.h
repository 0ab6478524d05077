#pragma once

#include <algorithm>
#include <cstddef>

// What objects take on the heap: for estimates of memory by owner, counts × these. The allocator
// (glibc) keeps 8 bytes in front of a block and rounds up to 16; nodes of containers have links
// beside their value.
namespace oncemq {

constexpr std::size_t heap_bytes(std::size_t size) {
  return std::max<std::size_t>(32, (size + 8 + 15) / 16 * 16);
}

// One element of a std::map or std::set: colour and three links.
template <class Tree>
inline constexpr std::size_t kTreeNodeBytes = heap_bytes(32 + sizeof(typename Tree::value_type));
// One element of a std::unordered_map: link, hash, and its bucket.
template <class Table>
inline constexpr std::size_t kHashNodeBytes = heap_bytes(16 + sizeof(typename Table::value_type)) +
                                              sizeof(void*);
// What make_shared keeps beside the object.
inline constexpr std::size_t kSharedBytes = 16;
// A name of 16 to 39 characters, as topics, groups and clients mostly have; shorter ones lie in
// their std::string.
inline constexpr std::size_t kNameHeapBytes = heap_bytes(40);

}  // namespace oncemq
