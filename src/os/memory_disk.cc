#include "os/memory_disk.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/mutex.h"
#include "os/memory_content.h"

namespace oncemq::os {
namespace {

// A file or a folder.
struct Node {
  bool is_directory = false;
  bool locked = false;
  std::int64_t modified_ms = 0;
  std::unique_ptr<MemoryContent> content;                // files
  std::map<std::string, std::shared_ptr<Node>> entries;  // folders; shared: open files hold theirs
};
using NodePtr = std::shared_ptr<Node>;

// One name in one folder; null = no such name.
struct NameEdit {
  NodePtr folder;
  std::string name;
  NodePtr before;
  NodePtr after;
};

// What one call changed, together or not at all.
using NameChange = std::vector<NameEdit>;

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    ONCE_CHECK(part != "..", "a memory disk does not go upwards");
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return parts;
}

std::string quoted(std::string_view path) {
  return "'" + std::string(path) + "'";
}

tl::unexpected<Error> not_found(std::string_view path) {
  return fail(Errc::kNotFound, quoted(path) + " does not exist");
}

void collect_files(const Node& folder, const std::string& prefix, std::vector<std::string>& into) {
  for (const auto& [name, node] : folder.entries) {
    if (node->is_directory)
      collect_files(*node, prefix + name + "/", into);
    else
      into.push_back(prefix + name);
  }
}

std::uint64_t blocks_below(const Node& folder) {
  std::uint64_t sum = 0;
  for (const auto& [name, node] : folder.entries)
    sum += node->is_directory ? blocks_below(*node) : node->content->blocks();
  return sum;
}

// Copies nodes and remembers which became which, so that the journal can follow.
class Cloner {
 public:
  NodePtr clone(const NodePtr& node) {
    if (!node) return nullptr;
    NodePtr& twin = twins_[node.get()];
    if (twin) return twin;
    twin = std::make_shared<Node>();
    NodePtr result = twin;  // the reference dies when the map grows
    result->is_directory = node->is_directory;
    result->modified_ms = node->modified_ms;
    if (node->content) result->content = node->content->copy();
    for (const auto& [name, child] : node->entries) result->entries[name] = clone(child);
    return result;
  }

 private:
  std::unordered_map<const Node*, NodePtr> twins_;
};

void sync_contents(const Node& node) {
  if (node.content) node.content->sync();
  for (const auto& [name, child] : node.entries) sync_contents(*child);
}

void settle(Node& node, bool keep_all, Random* chance) {
  node.locked = false;
  if (node.content) node.content = node.content->after_crash(keep_all, chance);
  for (auto& [name, child] : node.entries) settle(*child, keep_all, chance);
}

}  // namespace

std::string DiskOperation::to_string() const {
  static constexpr const char* kNames[] = {"create", "write",  "sync",     "allocate", "truncate",
                                           "rename", "remove", "make_dir", "sync_dir"};
  return "#" + std::to_string(number) + " " + kNames[static_cast<int>(kind)] + " " + path + " [" +
         std::to_string(offset) + ", " + std::to_string(offset + size) + ")";
}

struct MemoryDisk::State {
  using Kind = DiskOperation::Kind;

  mutable Mutex mutex;
  const Clock* clock = nullptr;
  std::uint64_t capacity ONCE_GUARDED_BY(mutex) = kUnlimited;
  NodePtr root ONCE_GUARDED_BY(mutex);
  std::vector<NameChange> journal ONCE_GUARDED_BY(mutex);  // names that are not durable
  std::uint64_t operations ONCE_GUARDED_BY(mutex) = 0;
  int session ONCE_GUARDED_BY(mutex) = 1;
  std::function<void(const DiskOperation&)> observer;  // set before threads use the disk

  NodePtr find(std::string_view path) const ONCE_REQUIRES(mutex) {
    NodePtr node = root;
    for (const std::string& part : parts_of(path)) {
      const auto entry = node->entries.find(part);
      if (entry == node->entries.end()) return nullptr;
      node = entry->second;
    }
    return node;
  }

  // The folder that holds the last part of `path`, and that part.
  std::pair<NodePtr, std::string> find_parent(std::string_view path) const ONCE_REQUIRES(mutex) {
    std::vector<std::string> parts = parts_of(path);
    if (parts.empty()) return {nullptr, ""};
    NodePtr node = root;
    for (std::size_t at = 0; at + 1 < parts.size(); ++at) {
      const auto entry = node->entries.find(parts[at]);
      if (entry == node->entries.end() || !entry->second->is_directory) return {nullptr, ""};
      node = entry->second;
    }
    return {node, parts.back()};
  }

  static NodePtr entry(const NodePtr& folder, const std::string& name) {
    const auto found = folder->entries.find(name);
    return found == folder->entries.end() ? nullptr : found->second;
  }

  static void set_entry(const NodePtr& folder, const std::string& name, const NodePtr& node) {
    if (node)
      folder->entries[name] = node;
    else
      folder->entries.erase(name);
  }

  void apply(NameChange change) ONCE_REQUIRES(mutex) {
    for (const NameEdit& edit : change) set_entry(edit.folder, edit.name, edit.after);
    journal.push_back(std::move(change));
  }

  NodePtr new_node(bool is_directory) const {
    auto node = std::make_shared<Node>();
    node->is_directory = is_directory;
    node->modified_ms = clock == nullptr ? 0 : clock->wall_ms();
    if (!is_directory) node->content = std::make_unique<MemoryContent>();
    return node;
  }

  void touch(Node& node) const {
    if (clock != nullptr) node.modified_ms = clock->wall_ms();
  }

  // Blocks that may still be taken; only asked where there is a limit.
  std::uint64_t free_blocks() const ONCE_REQUIRES(mutex) {
    const std::uint64_t used = blocks_below(*root);
    return used < capacity ? capacity - used : 0;
  }

  // True when `node` may grow to `end`; otherwise `fits` is how far it may.
  bool has_room(const Node& node, std::uint64_t end, std::uint64_t& fits) const
      ONCE_REQUIRES(mutex) {
    fits = end;
    const std::uint64_t blocks = node.content->blocks();
    if (capacity == kUnlimited || end <= blocks) return true;
    fits = blocks + std::min(end - blocks, free_blocks());
    return fits == end;
  }

  DiskOperation count(Kind kind, std::string_view path, std::uint64_t offset = 0,
                      std::uint64_t size = 0) ONCE_REQUIRES(mutex) {
    return {.number = ++operations,
            .kind = kind,
            .path = std::string(path),
            .offset = offset,
            .size = size};
  }

  // Without the lock.
  void tell(const DiskOperation& operation) const ONCE_EXCLUDES(mutex) {
    if (observer) observer(operation);
  }

  Status remove_node(std::string_view path, bool with_content) ONCE_REQUIRES(mutex) {
    const auto [folder, name] = find_parent(path);
    const NodePtr node = folder ? entry(folder, name) : nullptr;
    if (!node) return not_found(path);
    if (!node->entries.empty()) {
      if (!with_content) return fail(Errc::kInUse, quoted(path) + " is not empty");
      std::vector<std::string> names;
      for (const auto& [child, unused] : node->entries) names.push_back(child);
      for (const std::string& child : names)
        ONCE_TRY(remove_node(std::string(path) + "/" + child, true));
    }
    apply({{folder, name, node, nullptr}});
    return {};
  }
};

namespace {

// The whole file, as far as it reached when it was mapped.
class MemoryMapping final : public Mapping {
 public:
  MemoryMapping(std::shared_ptr<const ZeroedBuffer> buffer, std::size_t size)
      : buffer_(std::move(buffer)), size_(size) {}
  Bytes bytes() const override { return buffer_ ? Bytes(buffer_->data(), size_) : Bytes(); }
  Status prefault(std::uint64_t offset, std::size_t size) const override {
    ONCE_CHECK(offset <= size_ && size <= size_ - offset, "prefault behind the end");
    return {};
  }
  void release(std::uint64_t offset, std::size_t size) const override {
    ONCE_CHECK(offset <= size_ && size <= size_ - offset, "release behind the end");
  }

 private:
  const std::shared_ptr<const ZeroedBuffer> buffer_;
  const std::size_t size_;
};

}  // namespace

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<MemoryDisk::State> state, NodePtr node, std::string path,
             bool writable)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable) {}

  Status write_at(std::uint64_t offset, Bytes bytes) override {
    return write_at(offset, std::span<const Bytes>(&bytes, 1));
  }

  Status write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
    ONCE_TRY(check_writable());
    std::uint64_t end = offset;
    for (const Bytes piece : pieces) end += piece.size();
    std::uint64_t fits = 0;
    DiskOperation operation;
    bool room = false;
    {
      MutexLock lock(state_->mutex);
      room = state_->has_room(*node_, end, fits);
      std::uint64_t at = offset;
      for (Bytes piece : pieces) {
        piece = piece.first(std::min<std::size_t>(piece.size(), fits > at ? fits - at : 0));
        node_->content->write(at, piece);
        at += piece.size();
      }
      state_->touch(*node_);
      operation = state_->count(DiskOperation::Kind::kWrite, path_, offset, end - offset);
    }
    state_->tell(operation);
    if (!room) return no_space("write");
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    MutexLock lock(state_->mutex);
    const Bytes bytes = node_->content->bytes();
    if (offset >= bytes.size()) return 0;
    const std::size_t count = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    return count;
  }

  void start_sync() override {}

  Status sync_data() override {
    DiskOperation operation;
    {
      MutexLock lock(state_->mutex);
      node_->content->sync();
      operation = state_->count(DiskOperation::Kind::kSync, path_);
    }
    state_->tell(operation);
    return {};
  }

  Status allocate(std::uint64_t size) override {
    ONCE_TRY(check_writable());
    DiskOperation operation;
    {
      MutexLock lock(state_->mutex);
      std::uint64_t fits = 0;
      if (!state_->has_room(*node_, size, fits)) return no_space("allocate");
      node_->content->reserve_blocks(size);
      operation = state_->count(DiskOperation::Kind::kAllocate, path_, 0, size);
    }
    state_->tell(operation);
    return {};
  }

  Status truncate(std::uint64_t size) override {
    ONCE_TRY(check_writable());
    DiskOperation operation;
    {
      MutexLock lock(state_->mutex);
      node_->content->resize(size);
      state_->touch(*node_);
      operation = state_->count(DiskOperation::Kind::kTruncate, path_, 0, size);
    }
    state_->tell(operation);
    return {};
  }

  void lose_unsynced() {
    MutexLock lock(state_->mutex);
    node_->content->lose_pending();
  }

  Result<std::uint64_t> size() override {
    MutexLock lock(state_->mutex);
    return node_->content->size();
  }

  Result<std::shared_ptr<const Mapping>> map() override {
    MutexLock lock(state_->mutex);
    return std::make_shared<MemoryMapping>(node_->content->buffer(), node_->content->size());
  }

 private:
  Status check_writable() const {
    if (!writable_) return fail(Errc::kIo, quoted(path_) + " is open for reading only");
    return {};
  }
  tl::unexpected<Error> no_space(const char* verb) const {
    return fail(Errc::kNoSpace,
                "cannot " + std::string(verb) + " " + quoted(path_) + ": disk full");
  }

  const std::shared_ptr<MemoryDisk::State> state_;
  const NodePtr node_;
  const std::string path_;
  const bool writable_;
};

namespace {

class MemoryLock final : public FileLock {
 public:
  explicit MemoryLock(std::function<void()> release) : release_(std::move(release)) {}
  ~MemoryLock() override { release_(); }
  MemoryLock(const MemoryLock&) = delete;
  MemoryLock& operator=(const MemoryLock&) = delete;

 private:
  const std::function<void()> release_;
};

}  // namespace

MemoryDisk::MemoryDisk(const Clock* clock, std::uint64_t capacity)
    : state_(std::make_shared<State>()) {
  state_->clock = clock;
  state_->capacity = capacity;
  state_->root = state_->new_node(true);
}
MemoryDisk::MemoryDisk(std::shared_ptr<State> state) : state_(std::move(state)) {}
MemoryDisk::~MemoryDisk() = default;

Result<std::unique_ptr<File>> MemoryDisk::open(std::string_view path, OpenMode mode) {
  DiskOperation operation;
  NodePtr node;
  {
    MutexLock lock(state_->mutex);
    const auto [folder, name] = state_->find_parent(path);
    if (!folder) return not_found(path);
    node = State::entry(folder, name);
    if (node && node->is_directory) return fail(Errc::kIo, quoted(path) + " is a folder");
    if (node && mode == OpenMode::kCreateNew)
      return fail(Errc::kInUse, quoted(path) + " exists already");
    if (!node) {
      if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite) return not_found(path);
      node = state_->new_node(false);
      state_->apply({{folder, name, nullptr, node}});
      operation = state_->count(DiskOperation::Kind::kCreate, path);
    }
  }
  if (operation.number != 0) state_->tell(operation);
  return std::make_unique<MemoryFile>(state_, std::move(node), std::string(path),
                                      mode != OpenMode::kRead);
}

Status MemoryDisk::rename(std::string_view from, std::string_view to) {
  DiskOperation operation;
  {
    MutexLock lock(state_->mutex);
    const auto [old_folder, old_name] = state_->find_parent(from);
    const auto [new_folder, new_name] = state_->find_parent(to);
    const NodePtr node = old_folder ? State::entry(old_folder, old_name) : nullptr;
    if (!node) return not_found(from);
    if (!new_folder) return not_found(to);
    const NodePtr replaced = State::entry(new_folder, new_name);
    if (replaced == node) return {};
    if (replaced && !replaced->entries.empty())
      return fail(Errc::kInUse, quoted(to) + " is not empty");
    state_->apply({{old_folder, old_name, node, nullptr}, {new_folder, new_name, replaced, node}});
    operation = state_->count(DiskOperation::Kind::kRename, to);
  }
  state_->tell(operation);
  return {};
}

Status MemoryDisk::remove(std::string_view path) {
  DiskOperation operation;
  {
    MutexLock lock(state_->mutex);
    ONCE_TRY(state_->remove_node(path, false));
    operation = state_->count(DiskOperation::Kind::kRemove, path);
  }
  state_->tell(operation);
  return {};
}

Status MemoryDisk::remove_tree(std::string_view path) {
  DiskOperation operation;
  {
    MutexLock lock(state_->mutex);
    if (!state_->find(path)) return {};
    ONCE_TRY(state_->remove_node(path, true));
    operation = state_->count(DiskOperation::Kind::kRemove, path);
  }
  state_->tell(operation);
  return {};
}

Status MemoryDisk::make_dirs(std::string_view path) {
  std::vector<DiskOperation> made;
  {
    MutexLock lock(state_->mutex);
    NodePtr node = state_->root;
    for (const std::string& part : parts_of(path)) {
      NodePtr child = State::entry(node, part);
      if (child && !child->is_directory)
        return fail(Errc::kIo, quoted(part) + " in " + quoted(path) + " is a file");
      if (!child) {
        child = state_->new_node(true);
        state_->apply({{node, part, nullptr, child}});
        made.push_back(state_->count(DiskOperation::Kind::kMakeDir, path));
      }
      node = child;
    }
  }
  for (const DiskOperation& operation : made) state_->tell(operation);
  return {};
}

Result<std::vector<DirEntry>> MemoryDisk::list(std::string_view path) {
  MutexLock lock(state_->mutex);
  const NodePtr folder = state_->find(path);
  if (!folder || !folder->is_directory) return not_found(path);
  std::vector<DirEntry> entries;
  for (const auto& [name, node] : folder->entries)
    entries.push_back({.name = name,
                       .is_directory = node->is_directory,
                       .size = node->content ? node->content->size() : 0,
                       .modified_ms = node->modified_ms});
  return entries;
}

Result<DirEntry> MemoryDisk::stat(std::string_view path) {
  MutexLock lock(state_->mutex);
  const NodePtr node = state_->find(path);
  if (!node) return not_found(path);
  std::vector<std::string> parts = parts_of(path);
  return DirEntry{.name = parts.empty() ? "" : parts.back(),
                  .is_directory = node->is_directory,
                  .size = node->content ? node->content->size() : 0,
                  .modified_ms = node->modified_ms};
}

Status MemoryDisk::sync_dir(std::string_view path) {
  DiskOperation operation;
  {
    MutexLock lock(state_->mutex);
    const NodePtr folder = state_->find(path);
    if (!folder || !folder->is_directory) return not_found(path);
    for (NameChange& change : state_->journal)
      std::erase_if(change, [&](const NameEdit& edit) { return edit.folder == folder; });
    std::erase_if(state_->journal, [](const NameChange& change) { return change.empty(); });
    operation = state_->count(DiskOperation::Kind::kSyncDir, path);
  }
  state_->tell(operation);
  return {};
}

Status MemoryDisk::sync_all(std::string_view path) {
  DiskOperation operation;
  {
    MutexLock lock(state_->mutex);
    if (!state_->find(path)) return not_found(path);
    sync_contents(*state_->root);
    state_->journal.clear();
    operation = state_->count(DiskOperation::Kind::kSync, path);
  }
  state_->tell(operation);
  return {};
}

std::string MemoryDisk::session() const {
  MutexLock lock(state_->mutex);
  return std::to_string(state_->session);
}

Result<DiskSpace> MemoryDisk::space(std::string_view path) {
  MutexLock lock(state_->mutex);
  if (!state_->find(path)) return not_found(path);
  return DiskSpace{.total = state_->capacity, .free = state_->free_blocks()};
}

Result<std::unique_ptr<FileLock>> MemoryDisk::lock(std::string_view path, std::string_view text) {
  auto file = open(path, OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  NodePtr node;
  {
    MutexLock lock(state_->mutex);
    node = state_->find(path);
    if (!node) return not_found(path);
    if (node->locked)
      return fail(Errc::kInUse, quoted(path) + " is held by another process (" +
                                    std::string(as_text(node->content->bytes())) + ")");
    node->locked = true;
  }
  const auto state = state_;
  auto held = std::make_unique<MemoryLock>([state, node] {
    MutexLock lock(state->mutex);
    node->locked = false;
  });
  ONCE_TRY((*file)->truncate(0));
  ONCE_TRY((*file)->write_at(0, as_bytes(text)));
  return held;
}

std::unique_ptr<MemoryDisk> MemoryDisk::crash(Crash kind, Random* chance) const {
  ONCE_CHECK(kind != Crash::kRandom || chance != nullptr);
  auto after = std::make_shared<State>();
  MutexLock own(after->mutex);
  {
    MutexLock lock(state_->mutex);
    Cloner cloner;
    after->clock = state_->clock;
    after->capacity = state_->capacity;
    after->session = kind == Crash::kProcess ? state_->session : state_->session + 1;
    after->root = cloner.clone(state_->root);
    for (const NameChange& change : state_->journal) {
      NameChange twin;
      for (const NameEdit& edit : change)
        twin.push_back({cloner.clone(edit.folder), edit.name, cloner.clone(edit.before),
                        cloner.clone(edit.after)});
      after->journal.push_back(std::move(twin));
    }
  }
  if (kind != Crash::kProcess) {
    std::size_t kept = kind == Crash::kKeepUnsynced ? after->journal.size() : 0;
    if (kind == Crash::kRandom) kept = chance->below(after->journal.size() + 1);
    while (after->journal.size() > kept) {
      const NameChange& change = after->journal.back();
      for (auto edit = change.rbegin(); edit != change.rend(); ++edit)
        State::set_entry(edit->folder, edit->name, edit->before);
      after->journal.pop_back();
    }
    after->journal.clear();
    settle(*after->root, kind == Crash::kKeepUnsynced, kind == Crash::kRandom ? chance : nullptr);
  }
  return std::unique_ptr<MemoryDisk>(new MemoryDisk(std::move(after)));
}

void MemoryDisk::observe(std::function<void(const DiskOperation&)> observer) {
  state_->observer = std::move(observer);
}

std::uint64_t MemoryDisk::operations() const {
  MutexLock lock(state_->mutex);
  return state_->operations;
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
  MutexLock lock(state_->mutex);
  state_->capacity = bytes;
}

void MemoryDisk::lose_unsynced(File& file) {
  auto* const memory_file = dynamic_cast<MemoryFile*>(&file);
  ONCE_CHECK(memory_file != nullptr, "not a file of a memory disk");
  memory_file->lose_unsynced();
}

bool MemoryDisk::corrupt(std::string_view path, std::uint64_t offset, std::byte flip) {
  MutexLock lock(state_->mutex);
  const NodePtr node = state_->find(path);
  return node && node->content && node->content->corrupt(offset, flip);
}

std::vector<std::string> MemoryDisk::files() const {
  MutexLock lock(state_->mutex);
  std::vector<std::string> result;
  collect_files(*state_->root, "", result);
  return result;
}

}  // namespace oncemq::os
