#include "netblock.h"
