#include "special.h"
