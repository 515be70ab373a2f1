#include "chaos.h"
