# sluice_warnings(target): the warnings every target is built with. Warnings are errors in the dev
# preset and in CI (SLUICE_WERROR), not for a stranger with a newer compiler.
option(SLUICE_WERROR "Treat warnings as errors" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them; empty for none")

function(sluice_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                           $<$<BOOL:${SLUICE_WERROR}>:-Werror>)
endfunction()

# For the many files of a test program, most of whose build is the optimiser on code of gtest that sanitizers have made
# large: a third of a cold build on two cores. What they test keeps its -O1.
function(sluice_quick_to_compile target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
endfunction()

if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS)
