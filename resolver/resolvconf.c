#include "resolvconf.h"
