// journal_writer.cc - the smallest program that lives from the journal: it commits, and says so.
//
//   journal-writer JOURNAL FIRST
//
// Opens the journal as the daemon does, quick_check included, says "open", then commits one item and one
// transition of the item before it per transaction, and after each commit prints its number: what is
// printed was acknowledged. It goes on until it is killed; a journal that fails ends it with 10.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/base/ids.h"
#include "core/journal/journal.h"

namespace {

using namespace sluice;
using journal::ItemState;

journal::ItemRow item_number(std::uint64_t number) {
  journal::ItemRow item;
  item.ulid = make_ulid(from_unix_ms(1'700'000'000'000), number, number);
  item.source = "drop";
  item.root = "/srv/drop";
  item.path = std::to_string(number);
  item.created_at = item.quiet_since = from_unix_ms(1'700'000'000'000);
  item.effort.due_at = item.created_at;
  return item;
}

void say(std::string const& line) {  // one write, so that a reader sees whole lines
  auto const text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::exit(1);
}

void write_on(journal::Journal& journal, std::uint64_t number) {
  auto const now = from_unix_ms(1'700'000'000'000);
  while (true) {
    journal.begin();
    if (auto before = journal.latest_item("/srv/drop", std::to_string(number - 1))) {
      before->state = ItemState::kSkipped;
      before->reason = "no_pipeline";
      before->finished_at = now;
      before->effort.due_at.reset();
      journal.update(*before, ItemState::kSeen, now, "the writer went on");
    }
    journal.insert(item_number(number));
    journal.commit();
    say(std::to_string(number++));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    journal::Journal journal(argv[1]);
    say("open");
    write_on(journal, std::stoull(argv[2]));
  } catch (journal::JournalError const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 10;
  }
}
