#include "source_dir.h"
